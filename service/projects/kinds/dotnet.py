""".NET: projects of C#, F# or Visual Basic, alone or in a solution."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.projects import version_files, versions
from service.projects.backing import backing_services
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.reading import string, table

_ENDINGS = (".csproj", ".fsproj", ".vbproj")
_SOLUTIONS = (".sln", ".slnx")
_WEB = "Microsoft.NET.Sdk.Web"
_PACKAGE = ("PackageId", "GeneratePackageOnBuild", "PackageTags", "PackageDescription")
_TRIES_OUT = re.compile(r"(?:^|[/._-])(?:dev|tests?|dev_?test|samples?|demos?|examples?|playground)", re.IGNORECASE)


def recognise(folder: Folder) -> Claim | None:
    project = next((name for name in folder.names if name.endswith(_ENDINGS)), None)
    solution = next((name for name in folder.names if name.endswith(_SOLUTIONS)), None)
    if project is None and solution is None:
        return None
    if not any(folder.tree.suffixes[ending] for ending in (".cs", ".fs", ".vb", ".csproj", ".fsproj")):
        return None  # a solution of C++
    if folder.has_folder("ProjectSettings") and folder.has_folder("Assets"):
        return None  # a game in Unity
    web = any(_WEB in sdk for sdk in _sdks(folder))
    name = project or solution or ""
    starts = web or solution is not None or _is_program(folder) or folder.dockerfile is not None
    library = not starts or (folder.dockerfile is None and _packs(folder))
    fact = "a project for the web" if web else "a solution" if project is None else "a project"
    return Claim(0.92, (folder.fact(name, fact),), "aspnet" if web else None, library=library)


def _projects(folder: Folder) -> list[str]:
    """The project files of the folder that were read, its own first, then those below."""
    below = [path for path in folder.below if path.endswith(_ENDINGS) and folder.tree.was_read(folder.path(path))]
    return sorted(below, key=lambda path: (path.count("/"), path))


def _is_program(folder: Folder) -> bool:
    roots = [folder.tree.xml(folder.path(path)) for path in _projects(folder)]
    return any(root.findtext(".//OutputType") == "Exe" for root in roots if root is not None)


def _packs(folder: Folder) -> bool:
    """Whether most projects of a solution are packages for others, and a website is only there to try them out."""
    roots = {path: root for path in _projects(folder) if (root := folder.tree.xml(folder.path(path))) is not None}
    packages = [path for path, root in roots.items() if any(root.find(f".//{name}") is not None for name in _PACKAGE)]
    served = [path for path, root in roots.items() if _WEB in root.get("Sdk", "")]
    return 2 * len(packages) > len(roots) and all(map(_TRIES_OUT.search, served))


def _sdks(folder: Folder) -> list[str]:
    roots = [folder.tree.xml(folder.path(path)) for path in _projects(folder)]
    return [root.get("Sdk", "") for root in roots if root is not None]


def _stated(folder: Folder) -> Iterator[version_files.Stated]:
    sdk = string(table(folder.tree.json_with_comments(folder.path("global.json")).get("sdk")).get("version"))
    if sdk:
        yield sdk, folder.path("global.json")
    for path in [*(name for name in folder.names if name.startswith("Directory.")), *_projects(folder)]:
        root = folder.tree.xml(folder.path(path))
        for element in root.iter() if root is not None else ():
            if str(element.tag).rpartition("}")[2] in ("TargetFramework", "TargetFrameworks"):
                match = re.search(r"net(?:coreapp)?(\d+\.\d+)", element.text or "")
                if match:
                    yield match[1], folder.path(path)
                    break
    yield from version_files.images(folder.tree, folder.root, ("sdk", "aspnet"))


def describe(folder: Folder) -> Component:
    version, source = version_files.first_version(folder.tree, _stated(folder), lambda text: versions.dotted(text, 2))
    web = any(_WEB in sdk for sdk in _sdks(folder))
    exposed = folder.dockerfile.exposed if folder.dockerfile else ()
    return Component(
        type="dotnet",
        language="f#" if folder.tree.suffixes[".fs"] > folder.tree.suffixes[".cs"] else "c#",
        package_manager="nuget",
        runtime_version=version,
        version_source=source,
        install_command="dotnet restore",
        build_command="dotnet publish --configuration Release --output publish",
        test_command="dotnet test",
        lint_command="dotnet format --verify-no-changes",
        output_dir="publish",
        port=exposed[0] if exposed else 8080 if web else None,
        services=backing_services(folder),
    )


KIND = Kind("dotnet", "backend", "c#", recognise, describe)
