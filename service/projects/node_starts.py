"""What the scripts of a package.json start: a program of one's own, a server for development, pages that are shown."""

from __future__ import annotations

import re

from service.projects.folder import Folder
from service.projects.package import Package

_DEV_SERVER = re.compile(
    r"react-scripts(?:-\w+)? start|react-app-rewired start|craco start|\bng (?:serve|s)\b|\bnx (?:serve|start|dev)\b|"
    r"(?:^|[\s&;])vite(?:\s+(?:dev|serve|-|--)|\s*$|\s*[&;|])|gatsby develop|vue-cli-service serve|astro dev|"
    r"webpack(?:-dev-server| serve)|\bparcel (?!build)|nodemon|node-dev|\btsx watch|ts-node-dev|tsnd|expo start|"
    r"react-native|docusaurus start|next dev|nuxt dev|nuxi dev|remix dev|react-router dev|nest start --watch|"
    r"electron|concurrently|npm-run-all|turbo (?:run )?dev|live-server|browser-sync|gulp|grunt|--watch\b|"
    r"rsbuild dev|umi dev|max dev|\bdev\b"
)
# Tools that show or make pages, where a start script names one.
_SHOWING = (
    "vite",
    "webpack",
    "parcel",
    "live-server",
    "lite-server",
    "browser-sync",
    "http-server",
    "static-server",
    "local-web-server",
    "superstatic",
    "sirv",
    "gulp",
    "serve ",
    "grunt",
    "docusaurus",
    "vitepress",
    "vuepress",
    "eleventy",
    "hexo",
    "ember ",
    "gridsome",
)
_RUNS_SCRIPT = re.compile(r"(?:^|\s)(?:nodemon|node|tsx|ts-node|bun)\s+(?:watch\s+|-\S+\s+)*(?:\./)?([\w./-]+)")
_TOOL = re.compile(r"(?:scripts?|tools?|tooling|ci)/")
# A package further down that a script goes to, and what makes pages here.
_ENTERS = re.compile(
    r"\s*(?:cd\s+(?:\./)?([\w./-]+?)/?\s*&&|(?:npm|yarn|pnpm)\s+(?:--prefix|--cwd|--dir|-C)[ =](?:\./)?([\w./-]+?)/?\s)"
)
_MAKES_PAGES = re.compile(
    r"(?:^|[\s&;])(?:next|vite|webpack|ng|vue-cli-service|react-scripts|craco|parcel|rollup|gatsby)(?:\s|$)"
)
_RESTARTS = re.compile(r"nodemon|tsx watch|--watch")  # a server all the same


def is_dev_server(command: str) -> bool:
    """Whether a script starts a server for development, which must never run in production."""
    return _DEV_SERVER.search(command) is not None


def scripts_run(command: str) -> list[str]:
    """The files that Node.js or its kind is given in a command, those of a bundler's own server apart."""
    steps = [step for step in re.split(r"&&|;", command) if not is_dev_server(_RESTARTS.sub("", step))]
    return [match[1] for step in steps if (match := _RUNS_SCRIPT.search(step))]


def builds_another(folder: Folder) -> bool:
    """Whether the build script builds a package further down, and no script anything here."""
    scripts = folder.package.scripts if folder.package else {}
    match = _ENTERS.match(scripts.get("build", ""))
    if match is None or any(map(_MAKES_PAGES.search, scripts.values())):
        return False
    return folder.has(f"{match[1] or match[2]}/package.json")


def starts_program(package: Package) -> bool:
    """Whether a script starts a program: `start`, or one of several (`start:api`)."""
    others = (text for name, text in package.scripts.items() if name.startswith("start:") and "dev" not in name)
    return "start" in package.scripts or any(re.match(r"(?:node|bun|tsx) ", text) for text in others)


def procfile_of_node(folder: Folder) -> str | None:
    """The first line of a Procfile that has Node.js run a file that is here."""
    for line in (folder.text("Procfile") or "").splitlines():
        if any(folder.has(name) or folder.has(f"{name}.js") for name in _RUNS_SCRIPT.findall(line.partition(":")[2])):
            return line.strip()
    return None


def lies_here(folder: Folder, start: str) -> bool:
    """Whether what a script starts is a file here, or made of one of that name."""
    stems = {name.rpartition("/")[2].partition(".")[0] for name in folder.entry_names}
    return any(word.rpartition("/")[2].partition(".")[0] in stems for word in start.split())


def only_shows(folder: Folder, start: str) -> bool:
    """Whether a start script only shows built pages, opens something or runs a tool for working on the project (a file
    among `scripts/`): nothing of a server."""
    if any(word in start for word in _SHOWING):
        return True
    run = scripts_run(folder.package.command("start")) if folder.package else []
    return bool(run) and all(map(_TOOL.match, run))
