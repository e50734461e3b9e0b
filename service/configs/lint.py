"""What the official schema lets pass and Bitbucket, or the person who deploys, does not forgive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.configs import lint_scripts

Step = Mapping[str, Any]

# The property lists of the schema at https://api.bitbucket.org/schemas/pipelines-configuration, which itself lets a
# misspelt key through. `scripts` below definitions is where pipelines files keep texts to refer to.
KEYS: dict[str, frozenset[str]] = {
    "file": frozenset({"image", "options", "clone", "definitions", "pipelines", "export", "labels", "triggers"}),
    "options": frozenset({"docker", "max-time", "size", "runtime"}),
    "definitions": frozenset({"caches", "services", "pipelines", "scripts"}),
    "pipelines": frozenset({"default", "branches", "pull-requests", "tags", "custom"}),
    "item": frozenset({"step", "parallel", "stage", "variables", "final"}),
    "parallel": frozenset({"steps", "fail-fast"}),
    "stage": frozenset({"name", "steps", "deployment", "environment", "trigger", "condition"}),
    "step": frozenset(
        {
            "name", "image", "script", "after-script", "artifacts", "caches", "clone", "condition", "deployment",
            "environment", "fail-fast", "max-time", "oidc", "runs-on", "runtime", "services", "size", "trigger",
            "concurrency-group", "output-variables", "on-fail",
        }
    ),
}  # fmt: skip
PREDEFINED_CACHES = frozenset({"docker", "composer", "dotnetcore", "gradle", "ivy2", "maven", "node", "pip", "sbt"})
MAX_DEPLOY_MINUTES = 20


class LintFailed(ValueError):
    """A rendered file that must not leave the house: a mistake of ours, or of an overriding template."""


def check(data: Mapping[str, Any], variables: frozenset[str]) -> None:
    """Raise LintFailed with every finding, if there is one."""
    found = list(findings(data, variables))
    if found:
        raise LintFailed("; ".join(found))


def findings(data: Mapping[str, Any], variables: frozenset[str]) -> Iterator[str]:
    """What is wrong with the data of a pipelines file. `variables` are the names that a person sets in Bitbucket."""
    yield from _unknown_keys("file", data)
    yield from _unknown_keys("options", data.get("options", {}))
    yield from _unknown_keys("definitions", data.get("definitions", {}))
    pipelines = data.get("pipelines", {})
    yield from _unknown_keys("pipelines", pipelines)
    yield from _templating(data)
    for section, named in pipelines.items():
        for name, items in ({"": named} if section == "default" else named).items():
            where = f"{section} {name}".strip()
            yield from (f"{where}: {finding}" for finding in _pipeline(section, items, data, variables))


def steps_of(items: list[Mapping[str, Any]]) -> list[Step]:
    """The steps of a pipeline in order, those of parallel groups and stages included."""
    found: list[Step] = []
    for item in items:
        if "step" in item:
            found.append(item["step"])
        inner = item.get("parallel", item.get("stage"))
        if inner is not None:
            found += steps_of(inner if isinstance(inner, list) else inner["steps"])
    return found


def _pipeline(section: str, items: list[Any], data: Mapping[str, Any], variables: frozenset[str]) -> Iterator[str]:
    for item in items:
        yield from _unknown_keys("item", item)
        if isinstance(item.get("parallel"), Mapping):
            yield from _unknown_keys("parallel", item["parallel"])
        yield from _unknown_keys("stage", item.get("stage", {}))
    steps = steps_of(items)
    if not steps or steps[0].get("trigger") == "manual":
        yield "the first step must be there and must not be manual"
    targets = [str(step["deployment"]).lower() for step in steps if "deployment" in step]
    if len(set(targets)) != len(targets):
        yield "an environment is deployed to twice"
    if section == "pull-requests" and targets:
        yield "a pull request must not deploy"
    if [step for step in steps if "deployment" in step] != steps[len(steps) - len(targets) :]:
        yield "a deployment must come after every build and test"
    chosen = {variable["name"] for item in items for variable in item.get("variables", [])}
    for step in steps:
        found = (*_step(step, data), *lint_scripts.findings(step, variables | chosen, deploys="deployment" in step))
        yield from (f"{step.get('name', 'a step')}: {finding}" for finding in found)


def _step(step: Step, data: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown_keys("step", step)
    if not step.get("script"):
        yield "a step needs a script"
    definitions = data.get("definitions", {})
    for name in step.get("caches", []):
        if name not in PREDEFINED_CACHES and name not in definitions.get("caches", {}):
            yield f"the cache {name} is not defined"
        if name == "node" and "npm ci" in step.get("script", []):
            yield "npm ci deletes what the node cache brings"
    for name in step.get("services", []):
        if name not in definitions.get("services", {}) and name != "docker":
            yield f"the service {name} is not defined"
    image = str(step.get("image", data.get("image", "")))
    if not image or image.endswith(":latest") or ":" not in image:
        yield "the image has no fixed version"
    if "deployment" in step:
        yield from _deployment(step)


def _deployment(step: Step) -> Iterator[str]:
    limit = step.get("max-time")
    if not isinstance(limit, int) or limit > MAX_DEPLOY_MINUTES:
        yield "a deployment needs max-time of 20 minutes or less"
    if "condition" in step:
        yield "a deployment with a condition is skipped for good after a failed run"
    clones = step.get("clone", {}).get("enabled", True)
    if not clones and any("release.tar.gz" in item and "< release" in item for item in step.get("script", [])):
        yield "without a clone there are no artifacts"


def _unknown_keys(kind: str, mapping: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{key} is no key of {kind}" for key in mapping if key not in KEYS[kind])


def _templating(value: Any) -> Iterator[str]:
    # Bitbucket fills ${{ }} in before a shell sees it: https://support.atlassian.com/bitbucket-cloud/docs/
    if isinstance(value, str):
        if "${{" in value:
            yield "${{ is Bitbucket's own templating"
        return
    inner = [*value, *value.values()] if isinstance(value, Mapping) else value if isinstance(value, list) else []
    for entry in inner:
        yield from _templating(entry)
