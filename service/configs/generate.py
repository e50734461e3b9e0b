"""From a detection and a request to the text of every file."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
from jinja2 import Environment

from service.configs import certbot, document, kinds, lint
from service.configs.generated import PIPELINES_FILE, Generated
from service.configs.nginx.fragments import Fragments, fragments
from service.configs.nginx.site import bootstrap_tree, catch_all_tree, site_tree
from service.configs.nginx.tree import write
from service.configs.pipeline import COMMENTS, rollback_name
from service.configs.pipeline import document as pipelines_document
from service.configs.place import Target, target
from service.configs.plan import Decision, Plan
from service.configs.request import PLACEHOLDER_HOST, Request
from service.configs.scripts import scripts
from service.configs.server_files import server_files
from service.configs.variables import Variable, contract
from service.projects.model import Detection

Files = tuple[tuple[str, str], ...]


def generate(detection: Detection, request: Request, templates: Environment) -> Generated:
    """Render every file for the project. The same input gives the same bytes.

    `templates` comes from `service.render.environment`. Raises InvalidValue when a setting or something the repository
    states cannot go into a file; the caller shows its field.
    """
    if request.project_type is not None:
        detection = msgspec.structs.replace(detection, type=request.project_type)
    plan = kinds.plan(detection, templates)
    targets = tuple(target(plan, request, environment) for environment in request.environments)
    parts = fragments(
        templates,
        nginx_version=request.nginx_version,
        openssl_version=request.openssl_version,
        hsts=request.ssl_enabled,
    )
    variables = contract(plan, request)
    made = scripts(plan, targets, request.variable_names(), request.keep_releases, templates)
    pipelines = pipelines_document(plan, targets, made)
    lint.check(pipelines, frozenset(variable.name for variable in variables))
    yml = document.write(pipelines, COMMENTS)

    main = max(targets, key=lambda one: one.environment.kind == "production")
    commands = tuple(certbot.command(one.place.host, request.email) for one in targets if one.place.ssl)
    decisions = (*plan.decisions, *_common_decisions(plan, request, main))
    files: Files = (
        (PIPELINES_FILE, yml),
        *_nginx_files(plan, targets, parts),
        ("certbot.sh", certbot.script(tuple(dict.fromkeys(commands)))),
        *server_files(plan, targets, templates),
        *plan.repository_files,
    )
    explained = _explain(detection, targets, decisions, variables, files)
    return Generated(
        project_type=detection.type,
        host=main.place.host,
        files=(*files, ("explain.json", explained)),
        decisions=decisions,
        variables=variables,
        rollback_pipelines=tuple((one.environment.name, rollback_name(one, targets)) for one in targets),
        pipelines_yml=yml,
        nginx_config=dict(files)[f"nginx/{main.place.host}.conf"],
        certbot_command=certbot.command(main.place.host, request.email) if main.place.ssl else None,
    )


def _nginx_files(plan: Plan, targets: tuple[Target, ...], parts: Fragments) -> Files:
    made = {f"nginx/{one.place.host}.conf": write(site_tree(plan.site, one.place, parts)) for one in targets}
    if any(one.place.ssl for one in targets):
        made |= {f"nginx/bootstrap/{one.place.host}.conf": write(bootstrap_tree(one.place)) for one in targets}
        made["nginx/catch-all.conf"] = write(catch_all_tree(parts))
    return tuple(made.items())


def _common_decisions(plan: Plan, request: Request, main: Target) -> tuple[Decision, ...]:
    place = main.place
    made = [
        Decision("domain", place.host, "as asked", "--domain"),
        Decision(
            "deploy_path",
            place.deploy_path,
            "releases/, current and shared/ live there",
            "variable DEPLOY_PATH, and nginx",
        ),
        Decision(
            "keep_releases",
            str(request.keep_releases),
            "so many can be rolled back to without a build",
            "keep_releases",
        ),
        Decision(
            "health_check",
            f"{main.health_path} {main.health_status}",
            _health_why(main),
            "variables HEALTHCHECK_PATH, HEALTHCHECK_STATUS",
        ),
        Decision(
            "nginx_version",
            request.nginx_version,
            "the older syntax for HTTP/2 is understood by every version",
            "--nginx-version",
        ),
        Decision(
            "openssl_version",
            request.openssl_version,
            "a curve that OpenSSL does not know stops nginx",
            "--openssl-version",
        ),
        Decision(
            "content_security_policy",
            "report only",
            "an enforced policy breaks pages that it was not written for",
            "templates/nginx/headers.conf",
        ),
        Decision(
            "secrets",
            "by reference",
            "values stay in Bitbucket's variables; no file holds one",
            "variables of the deployment environment",
        ),
    ]
    if plan.site.proxied:
        why = "events reach the browser when they are sent, whichever path they come from"
        made.append(Decision("proxy_buffering", "off", why, "templates/nginx/proxy.conf"))
    if plan.run == "static":
        why = "nginx serves the candidate there, on loopback, before the switch"
        made.append(Decision("site_candidate_port", str(place.site_candidate_port), why, "--port"))
    if request.domain is None and place.host == PLACEHOLDER_HOST:
        why = "no domain was given: a name reserved for examples, so that the files can be read and tried"
        made[0] = Decision("domain", place.host, why, "--domain")
    if main.server is None:
        made.append(
            Decision("server", "$SSH_HOST", "no server was given: the variable must be set in Bitbucket", "--server")
        )
    if request.email is None and request.ssl_enabled:
        made.append(
            Decision("certificate_email", "none", "no address was given for notices about the certificate", "--email")
        )
    return tuple(made)


def _health_why(main: Target) -> str:
    if main.health_status == "any":
        return "no health path is known: any answer below 500 counts"
    return "the path must answer with this status"


def _explain(
    detection: Detection,
    targets: tuple[Target, ...],
    decisions: tuple[Decision, ...],
    variables: tuple[Variable, ...],
    files: Files,
) -> str:
    # How long the analysis took differs from run to run, and these bytes must not.
    detected: dict[str, Any] = msgspec.to_builtins(detection)
    del detected["analysis_ms"]
    content = {
        "detection": detected,
        "environments": [
            {
                "name": one.environment.name,
                "branch": one.environment.branch,
                "host": one.place.host,
                "deploy_path": one.place.deploy_path,
                "port": one.place.port,
                "candidate_port": one.place.candidate_port,
                "rollback_pipeline": rollback_name(one, targets),
            }
            for one in targets
        ],
        "decisions": [msgspec.to_builtins(decision) for decision in decisions],
        "variables": [msgspec.to_builtins(variable) for variable in variables],
        # Whoever writes these files tells by the digests which of them were edited since.
        "files": [{"path": path, "sha256": hashlib.sha256(text.encode()).hexdigest()} for path, text in files],
    }
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"
