"""Which bundler builds a single-page application, and whether it is one at all."""

from __future__ import annotations

import re

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.node_manager import parents
from service.projects.node_packages import BROWSER
from service.projects.package import Package
from service.projects.workspaces import orchestrator

# Package that brings the bundler, and the directory it writes to unless told otherwise; the first that is there counts.
BUNDLERS = (
    ("react-scripts", "build"),
    ("react-app-rewired", "build"),
    ("@craco/craco", "build"),
    ("@vue/cli-service", "dist"),
    ("vite", "dist"),
    ("rolldown-vite", "dist"),
    ("vite-plus", "dist"),
    ("@rsbuild/core", "dist"),
    ("@farmfe/core", "dist"),
    ("@modern-js/app-tools", "dist"),
    ("@umijs/max", "dist"),
    ("umi", "dist"),
    ("parcel", "dist"),
    ("parcel-bundler", "dist"),
    ("webpack", "dist"),
    ("@rspack/core", "dist"),
    ("snowpack", "build"),
    ("roadhog", "dist"),
    ("poi", "dist"),
    ("nwb", "dist"),
    ("rollup", "dist"),
    ("esbuild", "dist"),
    ("browserify", "dist"),
    ("ember-cli", "dist"),
    ("@redwoodjs/web", "dist"),
)
# What is installed on a device, in a browser or in an editor: of the same packages, but nothing that a server serves.
_INSTALLED = (
    *("electron", "@tauri-apps/api", "@tauri-apps/cli", "react-native", "expo", "@tarojs/taro", "@dcloudio/uni-app"),
    *("webextension-polyfill", "@crxjs/vite-plugin", "wxt", "plasmo", "web-ext", "web-ext-run", "chrome-types"),
    *("@types/chrome", "@types/webextension-polyfill", "@types/firefox-webext-browser", "@types/vscode"),
)
# What mounts an application into the page of another one.
_IN_ANOTHERS_PAGE = ("single-spa-react", "single-spa-vue", "single-spa-svelte")
INSTALLED_CONFIDENCE = 0.45
# Tools that make pages unless told otherwise.
_MAKES_PAGES = re.compile(r"\b(?:react-scripts|react-app-rewired|craco|vue-cli-service) build\b(?!.*--target lib)")
_FRONT = re.compile(r"(?:.+/)?(?:front-?end|client|web|ui)(?:[-_]?app)?", re.IGNORECASE)
# Tools whose name in the build script tells of them where no dependency does: another package brings them.
_NAMED = ("react-scripts", "vite", "webpack", "parcel", "esbuild")
# Their commands, where those are called otherwise.
_COMMANDS = {
    "@craco/craco": "craco",
    "@vue/cli-service": "vue-cli-service",
    "rolldown-vite": "vite",
    "vite-plus": "vite",
    "@rsbuild/core": "rsbuild",
    "@farmfe/core": "farm",
    "@modern-js/app-tools": "modern",
    "@umijs/max": "max",
    "parcel-bundler": "parcel",
    "@rspack/core": "rspack",
    "ember-cli": "ember",
    "@redwoodjs/web": "rw",
}
_LIBRARY_MODE = re.compile(r"\blib\s*:\s*\{")
_SERVER_SCRIPT = re.compile(r"^(?:npx |cross-env |\w+=\S* )*(?:node|nodemon|ts-node|tsx) ")
_CONFIGS = {
    "vite.config": "vite",
    "vue.config": "@vue/cli-service",
    "webpack.config": "webpack",
    "rsbuild.config": "@rsbuild/core",
}
_PAGE = re.compile(
    r"(?:(?:public|src|app|client|web|static|assets|frontend|ui|templates|views|main|webapp)/)*(?:index|app|main|template)\.(?:html|htm|ejs|pug|hbs)"
)


def bundler(folder: Folder) -> str | None:
    """The package that builds this application, or None: a framework without one is a library's dependency.

    In a workspace the package may be a dependency of the top only; then a config file or a script here tells.
    """
    package = folder.package
    if package is None:
        return None
    installed_ones = [name for name, _ in BUNDLERS if package.depends_on(name)]
    called = (name for name in installed_ones if _is_called(name, package.command("build")))
    if installed_ones:
        return next(called, installed_ones[0])
    configured = next((name for stem, name in _CONFIGS.items() if folder.config(stem)), None)
    if configured:
        return configured
    build = package.command("build")
    return next((name for name in _NAMED if re.search(rf"\b{name}\b", build)), None)


def _is_called(name: str, build: str) -> bool:
    return re.search(rf"(?:^|[\s;&|/]){_COMMANDS.get(name, name)}(?:\s|$)", build) is not None


def has_page(folder: Folder) -> bool:
    """Whether a page or an entry that mounts one is there, without which a build makes a library."""
    if any(_PAGE.fullmatch(path) and not is_nested(folder, path) for path in folder.below if path.count("/") < 4):
        return True
    if folder.package and _MAKES_PAGES.search(folder.package.command("build")):
        return not is_workspace(folder)
    if folder.package and folder.package.depends_on("html-webpack-plugin") and not folder.package.publishes:
        return not is_workspace(folder)  # it writes the page, with or without a template
    if any(
        folder.has(f"src/{stem}.{ending}") for stem in ("main", "App") for ending in ("tsx", "jsx", "vue", "js", "ts")
    ):
        return True
    package = folder.package
    if package and package.depends_on(*_IN_ANOTHERS_PAGE):
        return True
    if package is None or package.publishes or is_workspace(folder):
        return False
    built = "build" in package.scripts and any(name in package.runtime for name in BROWSER)
    if built and _FRONT.fullmatch(folder.root):
        return True  # for a page that the server beside it keeps
    if package.main and not package.private and folder.has(package.main.removeprefix("./")):
        return False
    if folder.python.name and "build-system" in folder.python.pyproject and not _manages(folder):
        return False  # what a package for Python brings along
    shown = [package.scripts[name] for name in ("start", "dev") if name in package.scripts]
    runs = any(not _SERVER_SCRIPT.match(command) for command in shown)
    return runs and any(name in package.runtime for name in ("react", "vue", "svelte"))


def builds_page(folder: Folder) -> bool:
    """Whether a page lies here that a bundler builds: then a server among the dependencies may be used by nothing."""
    return folder.has("index.html") and bundler(folder) is not None


def _manages(folder: Folder) -> bool:
    """Whether Django is managed from here or from a directory right below."""
    return any(path.endswith("manage.py") and path.count("/") < 2 for path in folder.below)


def is_nested(folder: Folder, path: str) -> bool:
    """Whether a page lies in a package of its own further down."""
    above = parents(path.rpartition("/")[0] or ".")
    return any(folder.has(f"{directory}/package.json") for directory in above if directory != ".")


def installed(package: Package) -> str | None:
    """The package that tells that the result is installed somewhere (a desktop, a phone, a browser), not served."""
    return package.first_of(*_INSTALLED)


def is_workspace(folder: Folder) -> bool:
    """Whether this is the top of a workspace: its dependencies serve the packages below."""
    package = folder.package
    return bool(package and package.workspaces) or (folder.root == "." and orchestrator(folder.tree) is not None)


def is_published(folder: Folder) -> bool:
    """Whether the package is made for others to install: it says what they get, its framework is a peer, or Vite builds
    it as a library."""
    package = folder.package
    if _LIBRARY_MODE.search(javascript.without_comments(folder.config_text("vite.config"))):
        return True
    if package is None:
        return False
    if any(name in package.peers for name in ("react", "vue", "svelte", "@angular/core", "solid-js")):
        return package.publishes or (package.main is not None and not package.private)
    return package.is_offered and not is_shown(folder, package)


def is_shown(folder: Folder, package: Package) -> bool:
    """Whether a page lies where a bundler starts from, of a package that brings its framework along: what it says to
    publish are the pages."""
    page = folder.has("index.html", "src/index.html", "public/index.html")
    return any(name in package.runtime for name in BROWSER) and (page or package.depends_on(*_IN_ANOTHERS_PAGE))
