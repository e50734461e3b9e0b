"""Node.js: a server on another framework, a program or a package."""

from __future__ import annotations

import re

from service.projects import javascript
from service.projects.bundler import builds_page, bundler
from service.projects.folder import Folder
from service.projects.hosted import hosted_functions
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_files import node_rest
from service.projects.node_manager import parents
from service.projects.node_packages import BOTS, BROWSER, FRAMEWORKS, NO_PROGRAM, SELF_STARTED, SERVERS, TOOLING
from service.projects.node_project import node_component, production_start
from service.projects.node_starts import is_dev_server, lies_here, only_shows, procfile_of_node, starts_program
from service.projects.package import Package, packages
from service.projects.workspaces import members

_WORD = re.compile(r"(?:\./)?([\w./-]+)")
_HTTP = {"http", "https", "http2", "node:http", "node:https", "node:http2"}


def recognise(folder: Folder) -> Claim | None:
    package = folder.package
    if package is None or package.depends_on(*NO_PROGRAM):
        return None
    if (package.main or "").startswith("../") or (package.main or "").endswith(".html"):
        return None  # a way into the package above, under a name of its own; a page
    if serving := _serving(folder, package):
        return serving
    if hosted := hosted_functions(folder):
        return Claim(0.85, (hosted[0],), hosted[1])
    if line := procfile_of_node(folder):
        return Claim(0.8, (folder.fact("Procfile", line),), package.first_of(*BOTS))
    own = own_server(folder)
    if is_tooling(folder):
        entry = next(iter(folder.entry_names), package.path.rpartition("/")[2])
        return Claim(0.8, (folder.fact(entry, "what it starts listens by itself"),), own) if own else None
    if folder.tree.is_mostly_native:
        return Claim(0.4, (folder.fact(package.path.rpartition("/")[2], "a package around code in another language"),))
    name = package.path.rpartition("/")[2]
    start = package.scripts.get("start", "")
    framework = package.first_of(*BOTS) or own
    if framework is None and (shown := _shown(package)):
        return Claim(0.4, (package.fact(shown),))
    if framework is None and package.workspaces and not folder.entry_names:
        return Claim(0.4, (folder.fact(name, "workspaces, nothing that starts at their top"),))
    shows = bool(start.strip()) and only_shows(folder, start)
    if start.strip() and not shows and not (builds_page(folder) and not lies_here(folder, start)):
        sure = bool(folder.entry_names) or not is_dev_server(start)
        return Claim(
            0.8 if sure else 0.6, (folder.fact(name, f"scripts.start {start}"),), framework, library=_is_shared(folder)
        )
    if package.publishes or (package.main and folder.entry_names):
        fact = f"main {package.main}" if package.main else "published as a package"
        return Claim(0.7, (folder.fact(name, fact),), framework, library=not folder.has("Procfile"))
    is_page = folder.has("index.html") and not (framework or package.main or package.started)
    if folder.entry_names and not shows and not builds_page(folder) and not is_page:
        return Claim(0.6, (folder.fact(folder.entry_names[0], "an entry file"),), framework)
    if folder.root != "." and package.depends_on(*FRAMEWORKS) and bundler(folder):
        return Claim(0.6, (folder.fact(name, "components without a page"),), library=True)
    return Claim(0.3, (folder.fact(name, "a package without anything that starts"),)) if package.runtime else None


def _serving(folder: Folder, package: Package) -> Claim | None:
    """A server on a framework among the dependencies, which a script starts or an entry file imports."""
    server = package.first_of(*SERVERS)
    is_own = server in SELF_STARTED and not package.is_offered
    if server is None or not (is_own or server in package.runtime) or package.peers.get(server):
        return None
    if "workspaces" in package.scripts:
        return None
    starts = is_own or (starts_program(package) and not builds_page(folder))
    if (starts or imports_of_entries(folder, server)) and (starts or not package.is_offered):
        return Claim(0.88, (package.fact(server),), server, library=not starts and _is_imported(folder))
    return None


def own_server(folder: Folder) -> str | None:
    """`bun` or `http` where the script that is started, or else a usual entry file of what is not published, listens by
    what its runtime brings along."""
    package = folder.package
    started = [name for command in package.started for name in _WORD.findall(command)] if package else []
    usual = folder.entry_names[:3] if package and not package.publishes and not builds_page(folder) else ()
    for name in (*started, *usual):
        source = folder.text(name) or folder.text(f"{name}.js") or ""
        if "Bun.serve" in source:
            return "bun"
        if "createServer" in source and _HTTP & javascript.imports(source):
            return "http"
    return None


def _shown(package: Package) -> str | None:
    """What a browser shows the package with: a server is not what it starts."""
    return next((name for name in BROWSER if name in package.runtime and name not in package.peers), None)


def _is_imported(folder: Folder) -> bool:
    """Whether another package of the repository depends on this one: what it serves, that one serves."""
    name = folder.package.name if folder.package else None
    others = (package for place, package in packages(folder.tree) if place != folder.root)
    return name is not None and any(package.depends_on(name) for package in others)


def _is_shared(folder: Folder) -> bool:
    """Whether a program is made for others to install (`bin` or `exports`), not to run here."""
    package = folder.package
    return package is not None and package.is_offered and not folder.has("Procfile", "Dockerfile")


def is_tooling(folder: Folder) -> bool:
    """Whether package.json only holds tools for working on the repository: linters, hooks, orchestration."""
    package = folder.package
    if package is None or package.publishes:
        return False
    names = [name for name in (*package.runtime, *package.development) if not name.startswith("@types/")]
    serves = any(name in package.scripts for name in ("start", "serve", "build")) and bool(folder.entry_names)
    return not serves and all(any(tool in name for tool in TOOLING) for name in names) and not package.main


def imports_of_entries(folder: Folder, module: str) -> str | None:
    """The first likely entry file that imports `module`, else the first of the further ones that were read."""
    read = (path for path in node_rest(folder.tree, folder.root) if path in folder.tree.read)
    further = (path for path in read if not members(folder.tree, parents(path)))
    skipped = 0 if folder.root == "." else len(folder.root) + 1
    for name in dict.fromkeys((*folder.entry_names[:6], *(path[skipped:] for path in further))):
        if module in javascript.imports(folder.text(name) or ""):
            return name
    return None


def describe_server(folder: Folder, type: str) -> Component:
    """A server that runs as `node <entry>`; compiled first where there is a build."""
    output = javascript_output(folder)
    return node_component(
        folder,
        type=type,
        output_dir=output,
        start_command=production_start(folder),
        default_port=3000,
        default_build=None,
    )


def javascript_output(folder: Folder) -> str | None:
    """Where the TypeScript compiler writes, if there is a build that runs it."""
    if folder.package is None or "build" not in folder.package.scripts or not folder.has("tsconfig.json"):
        return None
    main = (folder.package.main or "").removeprefix("./")
    return main.partition("/")[0] if main.startswith(("dist/", "build/", "lib/", "out/")) else "dist"


def describe(folder: Folder) -> Component:
    package = folder.package
    server = package.first_of(*SERVERS) if package else None
    if server and server.startswith("@redwoodjs/"):
        run = folder.node_manager.execute
        return node_component(
            folder, type="node", start_command=run("rw serve api"), default_build="rw build api", default_port=8911
        )
    if server or (package and "start" in package.scripts):
        return describe_server(folder, "node")
    return node_component(folder, type="node", output_dir=javascript_output(folder))


KIND = Kind("node", "backend", "javascript", recognise, describe)
