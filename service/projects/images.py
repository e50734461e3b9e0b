"""Repositories that are about images: made here, run by a compose file, or of services in several languages."""

from __future__ import annotations

from service.projects import workspaces
from service.projects.containers import is_compose, is_dockerfile
from service.projects.foreign import foreign_project, only_backing
from service.projects.mixture import own_folders
from service.projects.package import package_in
from service.projects.parts import Part
from service.projects.places import depth
from service.projects.shares import code_in
from service.projects.tree import Tree

# Files of code beside images that are more than what makes and tries them.
_MUCH_CODE = 30
_AN_IMAGE = 10  # what one of many images may hold
_STRAY = 0.55  # what a few scripts without a manifest claim


def is_deployment(parts: list[Part]) -> bool:
    """Whether the repository is about images: a collection of them, or a compose file that runs finished ones and
    builds nothing."""
    top = next((part for part in parts if part.root == "."), None)
    if not parts or (top is not None and top.kind.type != "docker" and top.claim.confidence > _STRAY):
        return False
    if top is None and _are_all_images(parts):
        return True
    images = [part for part in parts if part.kind.type == "docker"]
    finished = _runs_finished(top)
    apps = [part for part in parts if part.claim.confidence > (0.8 if part.serves else 0.85) and not part.claim.library]
    if any(part.is_front or part.folder.own_services or depth(part.root) < 2 or not finished for part in apps):
        return False
    if workspaces.members(parts[0].folder.tree, (part.root for part in parts if part.root != ".")):
        return False
    if len(images) >= 3 and len(images) > 2 * (len(parts) - len(images)):
        return True
    return finished


def _are_all_images(parts: list[Part]) -> bool:
    """Whether each directory makes an image, and what lies in them is scripts; a small server may be among them."""
    outer = [part for part in parts if not any(part.root.startswith(f"{other.root}/") for other in parts)]
    programs = [part for part in outer if part.is_front or not part.is_generic]
    servers = [part for part in outer if part.serves]
    if programs or len(servers) * 4 > len(outer):
        return False
    return len(outer) >= 3 and all(any(map(is_dockerfile, part.folder.names)) for part in outer)


def _runs_finished(top: Part | None) -> bool:
    """Whether a compose file at the top runs images that others have made, and none of this repository."""
    if top is None or (top.kind.type != "docker" and top.claim.confidence > _STRAY):
        return False
    builds = any(service.context is not None for service in top.folder.compose)
    return not builds and sum(bool(service.image and not service.backing) for service in top.folder.compose) >= 2


def services_in_languages(found: list[Part]) -> list[Part]:
    """What a compose file at the top builds, if that is three services or more in more than one language."""
    top = next((part for part in found if part.root == "." and part.kind.type == "docker"), None)
    contexts = {service.context for service in top.folder.compose if service.context} if top else set()
    services = [part for part in found if part.root in contexts and part.kind.language]
    return services if len(services) >= 3 and len({part.kind.language for part in services}) > 1 else []


def more_than_images(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """What speaks against a repository's being about images alone, as the end of a sentence."""
    against = _built_from_code(tree, parts) or only_backing(tree, parts) or foreign_project(tree)
    return against or _started_beside(parts) or _much_code(tree, parts)


def _built_from_code(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """The directory that a compose file builds an image from, if it holds a program of its own."""
    for part in parts:
        if not any(map(is_compose, part.folder.names)):
            continue
        for service in part.folder.compose:
            if service.context and service.context != part.root and package_in(tree, service.context):
                return f"{service.context} holds a program, of which an image is made"
    return None


def _started_beside(parts: tuple[Part, ...]) -> str | None:
    """A package beside an image, with a script that starts or builds it, that was not recognised."""
    for part in parts:
        package = part.folder.package
        if part.kind.type == "docker" and package and package.runtime and package.script("start", "build", "dev"):
            return f"{package.path} starts or builds something"
    return None


def _much_code(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """How much code lies beside the images, if it is more than what makes them; services that were told apart by their
    languages are accounted for."""
    if any(part.kind.type != "docker" for part in parts):
        return None
    services = [service for part in parts for service in part.folder.compose]
    finished = [service for service in services if service.image and not service.backing]
    if len(finished) > 2 and not any(service.context for service in services):
        return None
    code = code_in(tree, own_folders(tree))
    made = sum(any(map(is_dockerfile, tree.names(folder))) for folder in own_folders(tree))
    return f"{code} files of code lie beside the images" if code > max(_MUCH_CODE, _AN_IMAGE * made) else None
