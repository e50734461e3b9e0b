"""What is decided for every kind of project alike, with the reasons."""

from __future__ import annotations

from service.configs.place import Target
from service.configs.plan import Decision, Plan
from service.configs.request import PLACEHOLDER_HOST, Request


def common(plan: Plan, request: Request, main: Target) -> tuple[Decision, ...]:
    """Place, health, server versions, secrets; `main` is the environment that they speak of."""
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
    if plan.site.pages:
        ports = f"{place.pages_port}, {place.inner_port}"
        why = "for the program of the pages, and for nginx, where pages ask the application; 10000 away for candidates"
        made.append(Decision("pages_ports", ports, why, "--port"))
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
