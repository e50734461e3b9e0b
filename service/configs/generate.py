"""From a detection and a request to the text of every file."""

from __future__ import annotations

import msgspec
from jinja2 import Environment

from service.configs import certbot, decisions, document, kinds, lint
from service.configs.explanation import Files, explanation
from service.configs.generated import PIPELINES_FILE, Generated
from service.configs.nginx.fragments import Fragments, fragments
from service.configs.nginx.site import bootstrap_tree, catch_all_tree, site_tree
from service.configs.nginx.tree import write
from service.configs.pipeline import COMMENTS, rollback_name
from service.configs.pipeline import document as pipelines_document
from service.configs.place import Target, main_target, target
from service.configs.plan import Plan
from service.configs.request import Request
from service.configs.scripts import scripts
from service.configs.server_files import server_files
from service.configs.variables import contract
from service.projects.model import Detection


def generate(detection: Detection, request: Request, templates: Environment) -> Generated:
    """Render every file for the project. The same input gives the same bytes.

    `templates` comes from `service.render.environment`. Raises InvalidValue when a setting or something the repository
    states cannot go into a file; the caller shows its field.
    """
    detection = asked_kind(detection, request)
    plan = kinds.plan(detection, templates)
    targets = tuple(target(plan, request, environment) for environment in request.environments)
    parts = asked_fragments(request, templates)
    variables = contract(plan, request)
    sites = site_texts(plan, targets, parts)
    made = scripts(plan, targets, request.variable_names(), request.keep_releases, sites, templates)
    pipelines = pipelines_document(plan, targets, made)
    lint.check(pipelines, frozenset(variable.name for variable in variables))
    files: Files = (
        (PIPELINES_FILE, document.write(pipelines, COMMENTS)),
        *_nginx_files(targets, sites, parts),
        ("certbot.sh", _certbot_script(targets, request.email)),
        *server_files(plan, targets, frozenset(sites), templates),
        *plan.repository_files,
    )
    main = main_target(targets)
    decided = (*plan.decisions, *decisions.common(plan, request, main))
    texts = dict(files)
    return Generated(
        project_type=detection.type,
        host=main.place.host,
        files=(*files, ("explain.json", explanation(detection, targets, decided, variables, files))),
        decisions=decided,
        variables=variables,
        rollback_pipelines=tuple((one.environment.name, rollback_name(one, targets)) for one in targets),
        pipelines_yml=texts[PIPELINES_FILE],
        nginx_config=texts[f"nginx/{main.place.host}.conf"],
        certbot_command=certbot.command(main.place.host, request.email) if main.place.ssl else None,
    )


def asked_kind(detection: Detection, request: Request) -> Detection:
    """The detection, of the kind that the request names if it names one."""
    if request.project_type is None:
        return detection
    return msgspec.structs.replace(detection, type=request.project_type)


def _certbot_script(targets: tuple[Target, ...], email: str | None) -> str:
    hosts = dict.fromkeys(one.place.host for one in targets if one.place.ssl)
    return certbot.script(tuple(certbot.command(host, email) for host in hosts))


def asked_fragments(request: Request, templates: Environment) -> Fragments:
    """The parts of a site for the server's versions."""
    return fragments(
        templates,
        nginx_version=request.nginx_version,
        openssl_version=request.openssl_version,
        hsts=request.ssl_enabled,
    )


def site_texts(plan: Plan, targets: tuple[Target, ...], parts: Fragments) -> dict[str, str]:
    """The text of nginx for each environment; of two under one name, for the main one alone."""
    owners = {one.place.host: one for one in sorted(targets, key=lambda one: one is main_target(targets))}
    return {one.environment.name: write(site_tree(plan.site, one.place, parts)) for one in owners.values()}


def _nginx_files(targets: tuple[Target, ...], sites: dict[str, str], parts: Fragments) -> Files:
    hosts = {one.environment.name: one.place.host for one in targets}
    made = {f"nginx/{hosts[name]}.conf": text for name, text in sites.items()}
    if any(one.place.ssl for one in targets):
        made |= {f"nginx/bootstrap/{one.place.host}.conf": write(bootstrap_tree(one.place)) for one in targets}
        made["nginx/catch-all.conf"] = write(catch_all_tree(parts))
    return tuple(made.items())
