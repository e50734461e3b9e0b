"""Dockerfiles and compose files: what somebody already wrote down about running the project."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from service.projects.commands import port_number
from service.projects.reading import string, strings, table
from service.projects.tree import Tree, resolve

COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
# Images that stand beside an application, by the word a pipeline service is called.
BACKING = {
    "postgres": "postgres", "postgis": "postgres", "pgvector": "postgres", "timescaledb": "postgres",
    "postgresql": "postgres", "mysql": "mysql", "mariadb": "mariadb", "redis": "redis", "valkey": "redis",
    "mongo": "mongo", "mongodb": "mongo", "rabbitmq": "rabbitmq", "elasticsearch": "elasticsearch",
    "opensearch": "opensearch", "memcached": "memcached", "kafka": "kafka", "cp-kafka": "kafka", "nats": "nats",
    "minio": "minio", "meilisearch": "meilisearch", "clickhouse-server": "clickhouse", "cassandra": "cassandra",
    "neo4j": "neo4j", "mssql": "mssql", "server": "",
}  # fmt: skip
_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The final stage of a Dockerfile and all base images, arguments filled in where they have defaults."""

    images: tuple[str, ...] = ()
    exposed: tuple[int, ...] = ()
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def is_dockerfile(name: str) -> bool:
    """Whether a file name is a Dockerfile that deploys: those for development or tests are not."""
    lower = name.lower()
    if lower.startswith("."):
        return False  # of a tool: .gitpod.Dockerfile
    if not (lower == "containerfile" or lower.startswith("dockerfile") or lower.endswith(".dockerfile")):
        return False
    return not re.search(r"dev|test|local|debug|ci\b|lint|playwright|tester|ignore", lower)


@lru_cache(maxsize=4096)
def is_compose(name: str) -> bool:
    """Whether a file name is a compose file."""
    return re.fullmatch(r"(?:docker-)?compose(?:[._-][\w.-]*)?\.ya?ml", name) is not None


def dockerfile_at(tree: Tree, path: str) -> Dockerfile | None:
    """The Dockerfile at a path of the tree, read once; None where none was read, or an empty one."""
    source = tree.text(path)
    return tree.remember("dockerfile", path, lambda: dockerfile(source)) if source else None


def dockerfile(source: str) -> Dockerfile:
    """Read a Dockerfile; what cannot be resolved (`$PORT` without a default) is left out."""
    images: list[str] = []
    arguments: dict[str, str] = {}
    stage = Dockerfile()
    for line in re.sub(r"\\[ \t]*\n", " ", re.sub(r"^\s*#.*\n?", "", source, flags=re.MULTILINE)).splitlines():
        match = _INSTRUCTION.match(line)
        if not match:
            continue
        word, rest = match[1].upper(), match[2].strip()
        if word == "ARG":
            name, _, value = rest.partition("=")
            arguments[name] = value.strip("\"'")
        elif word == "FROM":
            images.append(_expand(re.sub(r"--\S+\s+", "", rest).split()[0] if rest.split() else "", arguments))
            stage = Dockerfile()
        elif word == "ENV":
            stage = Dockerfile(
                exposed=stage.exposed, command=stage.command, environment={**stage.environment, **_pairs(rest)}
            )
        elif word == "EXPOSE":
            values = {**arguments, **stage.environment}
            ports = [number for number in map(port_number, _expand(rest, values).split()) if number]
            stage = Dockerfile(exposed=(*stage.exposed, *ports), command=stage.command, environment=stage.environment)
        elif word == "CMD" or (word == "ENTRYPOINT" and not stage.command):
            stage = Dockerfile(exposed=stage.exposed, command=_command(rest), environment=stage.environment)
    return Dockerfile(tuple(images), stage.exposed, stage.command, stage.environment)


def _expand(value: str, arguments: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        return arguments.get(match[1] or match[3]) or match[2] or match[0]

    return re.sub(r"\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)", replace, value)


def _pairs(rest: str) -> dict[str, str]:
    found = dict(re.findall(r"(\w+)=\"?([^\s\"]*)", rest))
    if not found and len(rest.split(None, 1)) == 2:
        found = dict([rest.split(None, 1)])
    return found


def _command(rest: str) -> str:
    """The command as one shell line, from either form."""
    if not rest.startswith("["):
        return rest
    try:
        return shlex.join(strings(json.loads(rest)))
    except (ValueError, RecursionError):
        return rest


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a compose file; `context` and `dockerfile` are paths of the tree, None where nothing is built."""

    name: str
    image: str | None
    context: str | None
    dockerfile: str | None
    command: str
    ports: tuple[int, ...]

    @property
    def backing(self) -> str | None:
        """The kind of database or broker this is, if it is one."""
        return BACKING.get(re.split(r"[:@]", (self.image or "").rpartition("/")[2])[0]) or None


def compose_services(tree: Tree, folder: str) -> tuple[Service, ...]:
    """The services of the folder's compose file (the main one; others override it for development)."""
    return tree.remember("compose services", folder, lambda: _compose_services(tree, folder))


def _compose_services(tree: Tree, folder: str) -> tuple[Service, ...]:
    names = tree.names(folder)
    main = [name for name in COMPOSE_NAMES if name in names] or [name for name in names if is_compose(name)]
    found: dict[str, Service] = {}
    for name in main[:3]:
        content = tree.yaml(resolve(folder, name) or "")
        for service, entry in table(content.get("services")).items():
            found.setdefault(service, _service(folder, service, table(entry)))
    return tuple(found.values())


def _service(folder: str, name: str, entry: Mapping[str, object]) -> Service:
    build = entry.get("build")
    context = string(build) or string(table(build).get("context")) or ("." if build else None)
    file = string(table(build).get("dockerfile"))
    root = resolve(folder, context) if context and "$" not in context and "://" not in context else None
    command = entry.get("command")
    return Service(
        name=name,
        image=string(entry.get("image")),
        context=root,
        dockerfile=resolve(root, file or "Dockerfile") if root else None,
        command=string(command) or shlex.join(strings(command)),
        ports=tuple(filter(None, map(_published, [*_list(entry.get("ports")), *_list(entry.get("expose"))]))),
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _published(entry: object) -> int | None:
    """The port inside the container: the last part of `127.0.0.1:8080:80/tcp`, or `target`."""
    if isinstance(entry, dict):
        entry = entry.get("target")
    return port_number(str(entry).rpartition(":")[2].partition("-")[0])
