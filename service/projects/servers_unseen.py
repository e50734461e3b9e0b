"""A web framework that a Python project depends on where no application was found: then it may be one all the same."""

from __future__ import annotations

import re

from service.projects import python_statements
from service.projects.folder import Folder
from service.projects.model import Evidence
from service.projects.parts import Part
from service.projects.places import is_noise, is_side
from service.projects.python_application import entry_order, is_published
from service.projects.python_manager import manifests

# The frameworks that are kinds of their own, with what a module imports of them.
_FRAMEWORKS = ("fastapi", "flask", "django")
# What asks others as well as it answers, or is a part of those: where it stands beside them it tells nothing.
_LESSER = ("aiohttp", "tornado", "starlette")
_NOT_AT_RUN_TIME = re.compile(r"dev|test|docs?\b|lint|optional|extra|example|typing", re.IGNORECASE)


def unseen_application(part: Part) -> str | None:
    """Why a Python project that seems to be no server may be one, as the end of a sentence."""
    folder = part.folder
    if part.kind.type != "python" or part.claim.framework not in (None, *_LESSER):
        return None
    if site := _site_of_django(folder):
        return f"{site} and urls.py beside it are of a site, and no manage.py says of which"
    for name in _FRAMEWORKS:
        stated = _stated(folder, name)
        if stated is None or is_published(folder, name) or (name == "django" and part.claim.library):
            continue
        user = _imported_by(folder, name)
        if user:
            return f"{user} imports {name}, but no module that was read makes an application of it"
        if not _is_mostly_read(folder):
            return f"{stated.file} names {name}, and only a part of the modules was read"
    return None


def _site_of_django(folder: Folder) -> str | None:
    """Settings with the routes of a whole site beside them."""
    if is_published(folder, "django"):
        return None
    found = (path for path in folder.below if path.rpartition("/")[2] == "settings.py")
    own = (path for path in found if not is_side(path.rpartition("/")[0] or "."))
    return next((path for path in own if folder.has(path.removesuffix("settings.py") + "urls.py")), None)


def _stated(folder: Folder, name: str) -> Evidence | None:
    """The line that makes a framework, or an extension of it, a dependency at run time."""
    for manifest in manifests(folder):
        found = name if name in manifest.dependencies else manifest.starting_with(f"{name}-")
        stated = manifest.dependencies[found] if found else None
        if stated and not _NOT_AT_RUN_TIME.search(f"{stated.file.rpartition('/')[2]} {stated.fact.rpartition(' ')[0]}"):
            return stated
    return None


def _imported_by(folder: Folder, package: str) -> str | None:
    """The first module that was read and imports a package."""
    return next(
        (path for path in entry_order(folder) if python_statements.imports_by_text(folder.text(path) or "", package)),
        None,
    )


def _is_mostly_read(folder: Folder) -> bool:
    read = len(entry_order(folder))
    places = [path.rpartition("/")[0] for path in folder.below if path.endswith(".py")]
    return 2 * read >= sum(not place or not (is_noise(place) or is_side(place)) for place in places)
