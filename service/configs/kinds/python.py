"""Python servers under systemd: Flask with gunicorn, FastAPI with uvicorn, anything with an application object."""

from __future__ import annotations

import re
import shlex

from service.configs.grammar import InvalidValue
from service.configs.plan import RELEASE_ARTIFACT, Decision, Plan, Site, Work
from service.configs.toolchains import Part, python

DEFAULT_PORT = 8000
_OBJECT = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*(\(\))?", re.ASCII)
_DEFAULT_OBJECT = {"fastapi": "main:app", "flask": "app:app", "python": "app:app"}


def plan(part: Part) -> Plan:
    """Wheels in the build step, a virtual environment in the release, one unit that runs the live release."""
    server = server_of(part)
    return Plan(
        builds=(build(part, server),),
        checks=python.checks(part),
        deploy_image=python.image(part),
        install="python",
        run="systemd",
        site=Site(proxied=True),
        port=part.port or DEFAULT_PORT,
        values=run_values(part, server),
        notifies=server == "gunicorn",
        decisions=(*python.decisions(part), *decisions(part, server)),
    )


def build(part: Part, server: str, *, name: str = "Build", artifact: str = RELEASE_ARTIFACT) -> Work:
    """Collect wheels, then pack what git knows of the project together with them."""
    items = (
        *python.gathered(part, server),
        # Below the top, git archives the directory it stands in.
        "git archive --format=tar --output=/tmp/release.tar HEAD",
        f"tar -rf /tmp/release.tar wheelhouse {python.REQUIREMENTS}",
        f'gzip -c /tmp/release.tar > "$BITBUCKET_CLONE_DIR/{artifact}"',
    )
    return Work(name=name, image=python.image(part), script=items, caches=(python.cache(part),), artifact=artifact)


def server_of(part: Part) -> str:
    """gunicorn speaks WSGI, uvicorn ASGI."""
    return "uvicorn" if part.type == "fastapi" or "asgi" in app_object(part).split(":")[0] else "gunicorn"


def app_object(part: Part) -> str:
    """`module:object` of the application. Raises InvalidValue when the repository spells it otherwise."""
    name = part.app_object or _DEFAULT_OBJECT.get(part.type, "app:app")
    if not _OBJECT.fullmatch(name):
        raise InvalidValue("app_object", "not of the form module:object")
    return name


def run_values(part: Part, server: str, app_dir: str = ".") -> dict[str, object]:
    """What the templates of a Python release need."""
    return {
        "app_dir": app_dir,
        "site_dir": None,
        "python": python.version(part),
        "django": part.type == "django",
        "start_command": start_command(part, server),
        "start_environment": "PYTHONUNBUFFERED=1",
    }


def start_command(part: Part, server: str, *, in_container: bool = False) -> str:
    """The shell command that serves on $PORT, relative to the application's directory.

    In a container every address is its own, and only the host's loopback leads to it.
    """
    name = app_object(part)
    bin_dir, host, proxies = ("", "0.0.0.0", "'*'") if in_container else (".venv/bin/", "127.0.0.1", "127.0.0.1")  # noqa: S104
    if server == "uvicorn":
        target = f"--factory {name[:-2]}" if name.endswith("()") else name
        listen = f'uvicorn --host {host} --port "$PORT" --workers 2 --proxy-headers'
    else:
        target = shlex.quote(name)
        listen = f'gunicorn --bind "{host}:$PORT" --workers 2 --access-logfile -'
    return f"{bin_dir}{listen} --forwarded-allow-ips {proxies} {target}"


def decisions(part: Part, server: str) -> tuple[Decision, ...]:
    """Why this server runs this object."""
    stated = "found in the code" if part.app_object else "assumed: none was found"
    why = "speaks ASGI" if server == "uvicorn" else "speaks WSGI"
    return (
        Decision("app_object", app_object(part), stated, "Procfile: web"),
        Decision(
            "application_server",
            server,
            f"{why}; added to the wheels at the version your requirements name, if they do",
            "--type",
        ),
        Decision(
            "process",
            "systemd",
            "restarts within a second; the candidate answers meanwhile, being nginx's backup",
            "templates/systemd/service.service",
        ),
        Decision("environment_port", str(part.port or DEFAULT_PORT), "the loopback port of the unit", "--port"),
    )
