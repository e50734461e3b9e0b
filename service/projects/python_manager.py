"""Which of pip, uv, poetry, pdm, pipenv or conda a Python project uses, with the commands that follow from it."""

from __future__ import annotations

from service.projects.folder import Folder
from service.projects.model import Evidence
from service.projects.node_manager import parents
from service.projects.python_manifest import PythonManifest, is_requirements, python_manifest
from service.projects.reading import table
from service.projects.tree import resolve

# A modern tool's lock file wins over requirements.txt, which is often an export of it.
_LOCKS = (
    ("uv.lock", "uv"),
    ("poetry.lock", "poetry"),
    ("pdm.lock", "pdm"),
    ("Pipfile.lock", "pipenv"),
    ("Pipfile", "pipenv"),
)
_INSTALL = {
    "uv": "uv sync --frozen", "poetry": "poetry install --no-interaction", "pdm": "pdm sync",
    "pipenv": "pipenv install --deploy --dev", "conda": "conda env update --name base --file environment.yml",
}  # fmt: skip
_UNLOCKED = {"uv": "uv sync", "pdm": "pdm install", "pipenv": "pipenv install --dev"}
_RUN = {"uv": "uv run ", "poetry": "poetry run ", "pdm": "pdm run ", "pipenv": "pipenv run "}

Manager = tuple[str, str, str, Evidence | None]  # its name, the install command, where that runs, why


def manifests(folder: Folder) -> tuple[PythonManifest, ...]:
    """The folder's manifest, then those of the directories above it: requirements may lie beside the code's root."""
    return tuple(python_manifest(folder.tree, above) for above in parents(folder.root))


def dependency(folder: Folder, *names: str) -> tuple[str, Evidence] | None:
    """The first of `names` that the folder, or a directory above it, depends on, with the line that says so."""
    for manifest in manifests(folder):
        name = manifest.first_of(*names)
        if name:
            return name, manifest.dependencies[name]
    return None


def python_manager(folder: Folder) -> Manager:
    """The package manager: by the nearest lock file or manifest on the way up."""
    for above in parents(folder.root):
        names = folder.tree.names(above)
        found = next(((lock, name) for lock, name in _LOCKS if lock in names), None)
        if found and found[1] == "pipenv" and _is_bare_pipfile(folder, above):
            found = None
        requirements = next(
            (name for name in ("requirements.txt", *names) if name in names and is_requirements(name)), None
        )
        if found:
            lock, name = found
            if requirements:
                folder.tree.warn(f"both {lock} and {requirements} in {above}; {name} is used")
            command = _INSTALL[name] if lock != "Pipfile" else _UNLOCKED[name]
            return name, command, above, Evidence(resolve(above, lock) or lock, f"lock file of {name}")
        if requirements:
            because = Evidence(resolve(above, requirements) or requirements, "requirements for pip")
            return "pip", f"pip install -r {requirements}", above, because
        if tuple(folder.tree.names(resolve(above, "requirements") or "")):
            return _pip_folder(folder, above)
        if "environment.yml" in names:
            return (
                "conda",
                _INSTALL["conda"],
                above,
                Evidence(resolve(above, "environment.yml") or "", "conda environment"),
            )
        if "pyproject.toml" in names:
            return _workspace_lock(folder, above) or _by_pyproject(folder, above)
        if "setup.py" in names or "setup.cfg" in names:
            return "pip", "pip install .", above, None
    return "pip", "", folder.root, None


def _is_bare_pipfile(folder: Folder, above: str) -> bool:
    """Whether the Pipfile names no package: an editor has left it, or somebody who went back to pip."""
    path = resolve(above, "Pipfile") or ""
    content = folder.tree.toml(path)
    return bool(content) and not any(table(content.get(name)) for name in ("packages", "dev-packages"))


def _pip_folder(folder: Folder, above: str) -> Manager:
    """`requirements/` with a file per environment: production's is what is deployed."""
    names = folder.tree.names(resolve(above, "requirements") or "")
    preferred = ("production.txt", "prod.txt", "base.txt", "common.txt", "main.txt")
    name = next((name for name in preferred if name in names), names[0])
    path = f"requirements/{name}"
    return "pip", f"pip install -r {path}", above, Evidence(resolve(above, path) or path, "requirements for pip")


def _workspace_lock(folder: Folder, member: str) -> Manager | None:
    """The manager whose lock file lies above a project without one: a member of a workspace shares it."""
    for above in parents(member)[1:]:
        for lock, name in _LOCKS[:3]:
            if lock in folder.tree.names(above):
                return name, _INSTALL[name], above, Evidence(resolve(above, lock) or lock, f"lock file of {name}")
    return None


def _by_pyproject(folder: Folder, above: str) -> Manager:
    path = resolve(above, "pyproject.toml") or ""
    tool = table(folder.tree.toml(path).get("tool"))
    for name in ("poetry", "pdm", "uv"):
        if name in tool:
            return name, _UNLOCKED.get(name, _INSTALL[name]), above, Evidence(path, f"[tool.{name}]")
    return "pip", "pip install .", above, Evidence(path, "a project for pip")


def run_prefix(folder: Folder) -> str:
    """What stands before a command to run it in the manager's environment."""
    return _RUN.get(python_manager(folder)[0], "")
