"""Docker: a repository that is deployed as its image, whatever lies inside."""

from __future__ import annotations

from service.projects.containers import is_compose, is_dockerfile
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component


def recognise(folder: Folder) -> Claim | None:
    files = [name for name in folder.names if is_dockerfile(name)]
    composed = [name for name in folder.names if is_compose(name)]
    if files:
        images = folder.dockerfile.images if folder.dockerfile else ()
        fact = f"FROM {images[-1]}" if images else "a Dockerfile"
        return Claim(0.8, (folder.fact(files[0], fact),))
    if composed and folder.compose:
        names = ", ".join(service.name for service in folder.compose[:6])
        return Claim(0.75, (folder.fact(composed[0], f"services {names}"),))
    return None


def describe(folder: Folder) -> Component:
    ports = [port for service in folder.own_services for port in service.ports]
    if folder.dockerfile:
        ports += folder.dockerfile.exposed
    build = "docker build ." if folder.dockerfile or any(map(is_dockerfile, folder.names)) else None
    return Component(
        type="docker",
        build_command=build or ("docker compose build" if any(service.context for service in folder.compose) else None),
        start_command=None if build else "docker compose up -d",
        port=ports[0] if ports else None,
        services=tuple(sorted({service.backing for service in folder.compose if service.backing})),
    )


KIND = Kind("docker", "backend", None, recognise, describe)
