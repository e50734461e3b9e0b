"""Images: built and pushed by the pipeline, pulled and run on the server."""

from __future__ import annotations

import json
import re

import msgspec
from jinja2 import Environment

from service.configs.commands import enter
from service.configs.grammar import InvalidValue
from service.configs.kinds import node
from service.configs.kinds import python as servers
from service.configs.plan import RELEASE_ARTIFACT, Decision, Plan, Site, Work
from service.configs.toolchains import Part, javascript, python
from service.projects.model import Detection

DEFAULT_PORT = 8080
# Holds the docker client; the classic runtime mounts the service of the step.
IMAGE = "atlassian/default-image:4"
_TEMPLATES = {"javascript": "node", "typescript": "node", "python": "python", "go": "go"}
_GO = re.compile(r"[0-9]+\.[0-9]+")

_TAG = 'export DEPLOY_IMAGE="$REGISTRY_HOST/$REGISTRY_NAMESPACE/$BITBUCKET_REPO_SLUG:$BITBUCKET_BUILD_NUMBER"'
_LOGIN = """\
: "${REGISTRY_HOST:?set it in Bitbucket: the host of the image registry}"
: "${REGISTRY_NAMESPACE:?set it in Bitbucket: the organisation or project in the registry}"
: "${REGISTRY_USER:?set it in Bitbucket: the account that pushes}"
: "${REGISTRY_PASSWORD:?set it in Bitbucket as a secured variable: the token of that account}"
set -o pipefail
printf '%s' "$REGISTRY_PASSWORD" | docker login "$REGISTRY_HOST" --username "$REGISTRY_USER" --password-stdin
"""


def plan(part: Part, templates: Environment) -> Plan:
    """Build and push an image with the build number for its tag; the release is the name of that image."""
    made = dockerfile(part, templates)
    port = part.port or DEFAULT_PORT
    return Plan(
        builds=(build(part),),
        checks=(),
        pull_request_builds=(without_push(part),),
        deploy_image=IMAGE,
        install="docker",
        run="docker",
        site=Site(proxied=True),
        port=port,
        values={"app_dir": ".", "site_dir": None, "container_port": port},
        repository_files=made,
        decisions=decisions(part, port, written=bool(made)),
    )


def decisions(part: Part, port: int, *, written: bool) -> tuple[Decision, ...]:
    """Why this image runs this way."""
    made = [
        Decision(
            "image_tag", "build number", "a tag that never moves can be returned to", "none: rolling back needs it"
        ),
        Decision("container_port", str(port), "the port that the program in the image listens on", "EXPOSE"),
        Decision("tests", "in the image", "a test stage of the Dockerfile runs them; none is added", "Dockerfile"),
    ]
    if written:
        why = "the repository has none; copy it and .dockerignore to the top"
        made.append(Decision("Dockerfile", "written", why, "a Dockerfile in the repository"))
    elif not _names(part, "dockerfile"):
        why = "one image is built, from the Dockerfile at the top"
        made.append(Decision("Dockerfile", "expected", why, "the step Build and push image"))
    return tuple(made)


def build(part: Part) -> Work:
    """The build step; its tarball holds the image's name alone."""
    items = (
        *enter(part.root),
        _TAG,
        _LOGIN,
        "export DOCKER_BUILDKIT=1",
        'docker build --pull --tag "$DEPLOY_IMAGE" .',
        'docker push "$DEPLOY_IMAGE"',
        "mkdir -p /tmp/image",
        "printf '%s\\n' \"$DEPLOY_IMAGE\" > /tmp/image/IMAGE",
        f'tar -czf "$BITBUCKET_CLONE_DIR/{RELEASE_ARTIFACT}" -C /tmp/image IMAGE',
    )
    return Work(
        name="Build and push image",
        image=IMAGE,
        script=items,
        services=("docker",),
        artifact=RELEASE_ARTIFACT,
        size="2x",
    )


def without_push(part: Part) -> Work:
    """The build of a pull request, which gets no account of the registry."""
    items = (*enter(part.root), "export DOCKER_BUILDKIT=1", "docker build --pull --tag pull-request .")
    return Work(name="Build image", image=IMAGE, script=items, services=("docker",), size="2x")


def dockerfile(part: Part, templates: Environment) -> tuple[tuple[str, str], ...]:
    """A multi-stage Dockerfile and its .dockerignore, or nothing when the repository has a Dockerfile already.

    Raises InvalidValue when there is none and the language is not known well enough to write one.
    """
    if _has_dockerfile(part):
        return ()
    language = _TEMPLATES.get(part.language or "")
    if language is None:
        if part.evidence:
            raise InvalidValue("project_type", _why_none(part))
        return ()
    alone = msgspec.structs.replace(part, root=".", install_root=None)  # the image holds the part and nothing above
    values = {"node": _node_values, "python": _python_values, "go": _go_values}[language](alone)
    text = templates.get_template(f"docker/{language}.Dockerfile").render(port=part.port or DEFAULT_PORT, **values)
    return ("Dockerfile", text), (".dockerignore", templates.get_template("docker/dockerignore").render())


def _has_dockerfile(part: Part) -> bool:
    """Whether one was seen, also where the repository is taken for something else than docker."""
    passed_over = part.alternatives if isinstance(part, Detection) else ()
    named = (one.because.lower() for one in passed_over if one.type == "docker")
    return _names(part, "dockerfile", "containerfile") or any("dockerfile" in because for because in named)


def _why_none(part: Part) -> str:
    if not _names(part, "compose", "docker-compose"):
        return "docker needs a Dockerfile, or a project in JavaScript, Python or Go to write one for"
    if part.build_command is None:
        return (
            "every service of the compose file is an image made elsewhere, so there is nothing to build and to deploy;"
            " run it on the server with docker compose, or add a Dockerfile of your own program"
        )
    return (
        "the compose file builds images in directories of their own, and what is deployed is one image, of the"
        " Dockerfile at the top; add one there, or name the type of the part to deploy"
    )


def _names(part: Part, *beginnings: str) -> bool:
    return any(entry.file.rsplit("/", 1)[-1].lower().startswith(beginnings) for entry in part.evidence)


def _node_values(part: Part) -> dict[str, object]:
    return {
        "image": f"node:{javascript.node_major(part)}-bookworm-slim",
        "install": " && ".join(javascript.install(part)),
        "build": (*javascript.build_items(part), *node.prune(part)),
        "command": _exec(node.program_of(part)[1]),
    }


def _python_values(part: Part) -> dict[str, object]:
    server = servers.server_of(part)
    return {
        "image": f"python:{python.version(part)}-slim-bookworm",
        # Each RUN is a shell of its own, and not bash.
        "wheels": tuple(item for item in python.wheels(part, server) if not item.startswith("set ")),
        "command": _exec(servers.start_command(part, server, in_container=True)),
    }


def _go_values(part: Part) -> dict[str, object]:
    stated = part.runtime_version or ""
    return {"version": stated if _GO.fullmatch(stated) else "1.24"}


def _exec(command: str) -> str:
    """The exec form that starts a shell command: the variables in it are filled in when the container starts."""
    return json.dumps(["/bin/sh", "-c", f"exec {command}"])
