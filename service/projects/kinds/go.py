"""Go: a module, built into one binary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.projects import version_files, versions
from service.projects.backing import backing_services
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.places import is_noise, is_side

_FRAMEWORKS = {
    "gin": "github.com/gin-gonic/gin",
    "echo": "github.com/labstack/echo",
    "fiber": "github.com/gofiber/fiber",
    "chi": "github.com/go-chi/chi",
    "mux": "github.com/gorilla/mux",
    "buffalo": "github.com/gobuffalo/buffalo",
}
# `main.go` not too far down, or whatever lies in a directory of `cmd/`, wherever that is.
_PROGRAM = re.compile(r"^(?:[^/]+/){0,2}main\.go$|(?:^|/)cmd/(?:[^/]+/)?[^/]+\.go$")
_SMALL = 5  # fewer files than these may be a script where no module says that they are a program


def recognise(folder: Folder) -> Claim | None:
    modules = [path for path in folder.tree.read if path.rpartition("/")[2] == "go.mod"]
    for name in ("go.mod", "go.work"):
        if folder.has(name) and (name == "go.mod" or not modules):  # a workspace is what its modules are
            source = folder.text(name) or ""
            module = re.search(r"^module\s+(\S+)", source, re.MULTILINE)
            fact = f"module {module[1]}" if module else "a Go module"
            framework = next(
                (
                    word
                    for word, path in _FRAMEWORKS.items()
                    if re.search(rf"^\s*(?:require\s+)?{path}(?:/v\d+)?\s", source, re.MULTILINE)
                ),
                None,
            )
            # Hugo keeps its themes as modules of Go, of which not a line is here.
            sure = 0.93 if folder.tree.files_in("go") else 0.45
            return Claim(sure, (folder.fact(name, fact),), framework, library=not _starts(folder))
    if folder.has("main.go"):
        own = sum(path.endswith(".go") and not is_noise(path) for path in folder.below)
        return Claim(0.7 if own < _SMALL else 0.85, (folder.fact("main.go", "a program without a module"),))
    return None


def _starts(folder: Folder) -> bool:
    """Whether a program is here: its package is `main`, in whichever file, or lies in `cmd/` or the like."""
    sources = (folder.text(name) for name in folder.names if name.endswith(".go"))
    if any(re.search(r"^package main\b", source, re.MULTILINE) for source in sources if source):
        return True
    programs = any(_PROGRAM.search(path) and not is_side(path.rpartition("/")[0]) for path in folder.below)
    return programs or folder.has_folder("cmd") or folder.dockerfile is not None


def _stated(folder: Folder) -> Iterator[version_files.Stated]:
    yield from version_files.other(folder.tree, folder.root, "go", 2, (".go-version",))
    for name in ("go.mod", "go.work"):
        match = re.search(r"^go\s+(\d[\d.]*)", folder.text(name) or "", re.MULTILINE)
        if match:
            yield match[1], folder.path(name)
    yield from version_files.images(folder.tree, folder.root, ("golang",))


def describe(folder: Folder) -> Component:
    version, source = version_files.first_version(folder.tree, _stated(folder), lambda text: versions.dotted(text, 2))
    port = folder.dockerfile.exposed[0] if folder.dockerfile and folder.dockerfile.exposed else None
    return Component(
        type="go",
        language="go",
        package_manager="go",
        runtime_version=version,
        version_source=source,
        install_command="go mod download",
        build_command="go build ./...",
        test_command="go test ./...",
        lint_command="golangci-lint run"
        if folder.has(".golangci.yml", ".golangci.yaml", ".golangci.toml")
        else "go vet ./...",
        port=port,
        services=backing_services(folder),
    )


KIND = Kind("go", "backend", "go", recognise, describe)
