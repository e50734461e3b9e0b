"""The structure of bitbucket-pipelines.yml, as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.configs.place import ORDER, Target, main_target
from service.configs.plan import Cache, Plan, Work
from service.configs.scripts import Scripts

Item = dict[str, Any]

MAX_MINUTES = 20
DEPLOY_MINUTES = 15
ROLLBACK = "rollback"
PROMOTION = "promote"

SERVICES: dict[str, Item] = {
    "postgres": {
        "image": "postgres:16",
        "variables": {"POSTGRES_DB": "pipelines", "POSTGRES_HOST_AUTH_METHOD": "trust"},
    },
    "mysql": {"image": "mysql:8.4", "variables": {"MYSQL_DATABASE": "pipelines", "MYSQL_ALLOW_EMPTY_PASSWORD": "yes"}},
    "redis": {"image": "redis:7"},
    "mongo": {"image": "mongo:7"},
    "docker": {"memory": 3072},
}

COMMENTS = {
    "image": "Written by Penstock. explain.json beside it says why each choice was made, and how to change it.\n"
    "Images are pinned to the version that the repository states.",
    "options": "No step may hang for longer than this (minutes).",
    "definitions": "Caches are kept per content of the lock file. The steps below use the scripts under their names;\n"
    "deploying and rolling back run the same `activate`.",
    "pipelines": "build -> test -> deploy. A release is put beside the live one, asked, and only then takes over.",
    "pipelines/pull-requests": "No deployment and no secret here: a pull request may come from anybody.",
    "pipelines/custom": "Run pipeline > rollback: RELEASE is a build number on the server, or `previous`.",
}


def document(plan: Plan, targets: tuple[Target, ...], scripts: Scripts) -> Item:
    """Build the whole file."""
    caches = _caches(plan)
    verify = [*_together(plan.pull_request_builds or plan.builds, caches), *_together(plan.checks, caches)]
    pipelines = {
        "pull-requests": {"**": verify},
        "branches": _branches(plan, targets, scripts, caches),
        "custom": {rollback_name(target, targets): _rollback(plan, target, scripts) for target in targets},
    }
    return _file(plan, scripts, caches, pipelines)


def _file(plan: Plan, scripts: Scripts, caches: dict[str, Cache], pipelines: Item) -> Item:
    services = sorted({name for work in (*plan.builds, *plan.checks) for name in work.services})
    definitions: Item = {}
    if caches:
        definitions["caches"] = {name: _cache(cache) for name, cache in caches.items()}
    if services:
        definitions["services"] = {name: SERVICES[name] for name in services}
    definitions["scripts"] = scripts.definitions()
    return {
        "image": plan.builds[0].image,
        "options": {"max-time": MAX_MINUTES},
        "clone": {"depth": 1},
        "definitions": definitions,
        "pipelines": pipelines,
    }


def rollback_name(target: Target, targets: tuple[Target, ...]) -> str:
    """The custom pipeline that rolls an environment back: `rollback`, for further environments `rollback-<name>`."""
    return ROLLBACK if target is main_target(targets) else f"{ROLLBACK}-{target.environment.name}"


def _branches(plan: Plan, targets: tuple[Target, ...], scripts: Scripts, caches: dict[str, Cache]) -> Item:
    branches: dict[str, list[Target]] = {}
    for target in sorted(targets, key=lambda target: ORDER[target.environment.kind]):
        branches.setdefault(target.environment.branch, []).append(target)
    first = [*_together(plan.builds, caches), *_together(plan.checks, caches)]
    return {
        branch: [*first, *(_deploy(plan, target, scripts) for target in there)] for branch, there in branches.items()
    }


def _together(works: Iterable[Work], caches: dict[str, Cache]) -> list[Item]:
    """One step, or several beside each other."""
    steps = [_step(work, caches) for work in works]
    if len(steps) < 2:
        return steps
    return [{"parallel": {"fail-fast": True, "steps": steps}}]


def _step(work: Work, caches: dict[str, Cache]) -> Item:
    step: Item = {"name": work.name, "image": work.image}
    if work.size:
        step["size"] = work.size
    if work.services:
        step["services"] = list(work.services)
    if work.caches:
        step["caches"] = [name for name, cache in caches.items() if cache in work.caches]
    step["script"] = list(work.script)
    step["artifacts"] = {"download": False}
    if work.artifact:
        step["artifacts"] = {"download": False, "paths": [work.artifact]}
    return {"step": step}


def rebuild(plan: Plan, target: Target, scripts: Scripts) -> Item:
    """A file of one custom pipeline, `rollback`: build the commit it is started for, and deploy that in place of the
    live release, which counts as bad from then on. Nothing is tested or waited for: it was live once, and is wanted."""
    caches = _caches(plan)
    deploy = _deploy(plan, target, scripts, purpose="rollback")
    deploy["step"].pop("trigger", None)
    deploy["step"]["name"] = f"Roll back {target.environment.name}"
    return _file(plan, scripts, caches, {"custom": {ROLLBACK: [*_together(plan.builds, caches), deploy]}})


def promote(plan: Plan, target: Target, scripts: Scripts) -> Item:
    """A file of one custom pipeline, `promote`: build the commit that another environment runs, and deploy it here.

    It was tested on its way there. Whether it may go here was decided before the run was started."""
    caches = _caches(plan)
    deploy = _deploy(plan, target, scripts)
    deploy["step"].pop("trigger", None)
    return _file(plan, scripts, caches, {"custom": {PROMOTION: [*_together(plan.builds, caches), deploy]}})


def relink(plan: Plan, target: Target, scripts: Scripts) -> Item:
    """A file of one custom pipeline, `rollback`: as the one that every generated file has."""
    return _file(plan, scripts, {}, {"custom": {ROLLBACK: _rollback(plan, target, scripts)}})


def _deploy(plan: Plan, target: Target, scripts: Scripts, *, purpose: str = "deploy") -> Item:
    script = [
        'export RELEASE="$BITBUCKET_BUILD_NUMBER"',
        f"export DEPLOY_PURPOSE={purpose}",
        scripts.settings[target.environment.name],
        scripts.connect,
        *((scripts.registry,) if scripts.registry is not None else ()),
        scripts.environment,
        *plan.pack,
        scripts.upload,
        *((scripts.sites[target.environment.name],) if target.environment.name in scripts.sites else ()),
        scripts.install,
        scripts.activate,
    ]
    step: Item = {"name": f"Deploy to {target.environment.name}", "image": plan.deploy_image}
    if target.environment.requires_approval:
        step["trigger"] = "manual"
    step |= {"deployment": target.environment.name, "max-time": DEPLOY_MINUTES, "script": script}
    return {"step": step}


def _rollback(plan: Plan, target: Target, scripts: Scripts) -> list[Item]:
    variable = {
        "name": "RELEASE",
        "default": "previous",
        "description": "Build number of a release that is still on the server, or previous",
    }
    script = [
        ': "${RELEASE:?a build number, or previous}"',
        "export DEPLOY_PURPOSE=rollback",
        scripts.settings[target.environment.name],
        scripts.connect,
        scripts.environment,
        scripts.activate,
    ]
    step = {
        "name": f"Roll back {target.environment.name}",
        "image": plan.deploy_image,
        "deployment": target.environment.name,
        "max-time": DEPLOY_MINUTES,
        "clone": {"enabled": False},
        "script": script,
    }
    return [{"variables": [variable]}, {"step": step}]


def _caches(plan: Plan) -> dict[str, Cache]:
    """Caches by a name of their own: two parts may use one package manager with two lock files."""
    named: dict[str, Cache] = {}
    for cache in dict.fromkeys(cache for work in (*plan.builds, *plan.checks) for cache in work.caches):
        name = cache.name
        while name in named:
            name += "-2"
        named[name] = cache
    return named


def _cache(cache: Cache) -> Any:
    return {"key": {"files": list(cache.key_files)}, "path": cache.path} if cache.key_files else cache.path
