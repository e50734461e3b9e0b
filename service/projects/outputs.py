"""Where a bundler puts the pages that it builds."""

from __future__ import annotations

import re
from posixpath import join, normpath

from service.projects import javascript
from service.projects.bundler import BUNDLERS, bundler
from service.projects.folder import Folder
from service.projects.reading import string, table
from service.projects.tree import resolve

# The first of several builds: those after it make what the pages need besides.
_FIRST_VITE = r"^(?:(?!\bvite(?:-ssg)? build\b).)*\bvite(?:-ssg)? build\b[^&|;]*?"
# Where webpack's config files lie if not beside package.json.
WEBPACK_CONFIG = re.compile(
    r"(?:webpack|config|build|internals/webpack)/(?:webpack[\w.-]*|config[\w.-]*|(?:prod|production|prd|common|base)(?:\.config)?|index)\.[cm]?[jt]s"
)


def output_directory(folder: Folder) -> str | None:
    """The directory, relative to the folder, that the build writes; None where a config file computes it."""
    name = bundler(folder)
    default = dict(BUNDLERS).get(name or "")
    if name in ("react-scripts", "react-app-rewired", "@craco/craco"):
        return _script_value(folder, r"\bBUILD_PATH=[\"']?([\w./-]+)") or default
    if name == "@vue/cli-service":
        return _vue_cli(folder, default)
    if name == "webpack":
        return _webpack(folder, default)
    if name in ("vite", "rolldown-vite", "vite-plus"):
        return _vite(folder, default)
    if name in ("parcel", "parcel-bundler") and (written := _parcel_target(folder)):
        return _tidy(written, default)
    return _tidy(_script_value(folder, r"(?:--outDir|--dist-dir|--out-dir|-d)[ =]([\w./-]+)"), default)


def moved(folder: Folder, output: str) -> str:
    """Where a build script puts the result in the end: `mv dist public` behind the build."""
    name = rf"(?:\./)?{re.escape(output.removeprefix('./').rstrip('/'))}/?"
    return _script_value(folder, rf"[&;]\s*mv\s+(?:-\w+\s+)*{name}\s+(?:\./)?([\w-]+)/?\s*(?:$|[&;])") or output


def _parcel_target(folder: Folder) -> str | None:
    """The `distDir` of the one target that package.json describes."""
    content = folder.tree.json(folder.package.path) if folder.package else {}
    found = [string(table(target).get("distDir")) for target in table(content.get("targets")).values()]
    written = [directory for directory in found if directory]
    return written[0] if len(written) == 1 else None


def _vue_cli(folder: Folder, default: str | None) -> str | None:
    source = folder.config_text("vue.config")
    if written := javascript.setting(source, "outputDir") or _script_value(folder, r"--dest[ =]([\w./-]+)"):
        return _tidy(written, default)
    computed = javascript.directory(source, "outputDir")
    return _seen_from_here("", computed) if computed else default


def _vite(folder: Folder, default: str | None) -> str | None:
    """`build.outDir` counts from Vite's `root`, not from the config file; a script may name another config file."""
    named = _script_value(folder, _FIRST_VITE + r"(?:--config|-c)[ =]([\w./-]+)")
    source = (folder.text(named) or "") if named else folder.config_text("vite.config")
    written = _script_value(folder, _FIRST_VITE + r"--outDir[ =]([\w./-]+)")
    written = written or javascript.setting(source, "outDir", within="build")
    if not written and (computed := javascript.directory(source, "outDir", within="build")):
        return _seen_from_here(named or "", computed)  # counts from the config file, not from Vite's root
    if not written and (run := javascript.directory_of_run(source, "outDir")):
        return _seen_from_here("", run)
    if folder.package and folder.package.depends_on("@cloudflare/vite-plugin"):
        default = "dist/client"  # beside the worker
    root = javascript.setting(source, "root") or ""
    target = resolve(root.strip("/") or ".", written or default or "dist")
    if target is None and written:  # outside of Vite's root, perhaps inside a back end beside it
        return written.rstrip("/")
    return _tidy(target, default)


def _webpack(folder: Folder, default: str | None) -> str | None:
    """`path.resolve(__dirname, 'build')` is how webpack's output is nearly always written, in the config file that a
    script names or in one of the usual ones."""
    named = [_script_value(folder, r"\bwebpack\b[^&|;]*?(?:--config|-c)[ =]([\w./-]+)")]
    usual = [
        folder.config(stem) for stem in ("webpack.config", "webpack.prod", "webpack.config.prod", "webpack.common")
    ]
    deeper = [path for path in folder.below if WEBPACK_CONFIG.fullmatch(path)]
    for name in dict.fromkeys(filter(None, (*named, *usual, *deeper))):
        source = folder.text(name) or ""
        written = javascript.directory(source, "path", within="output") or javascript.directory(source, "output")
        written = written or javascript.directory(source, "assetsRoot")  # of the template that Vue had for webpack
        if written:
            return _seen_from_here(name, written) or default
        if written := javascript.directory_of_run(source, "path"):
            return _seen_from_here("", written)
    if folder.has("config/paths.js") and folder.has("scripts/build.js"):  # what react-scripts leaves when it goes
        return "build"
    file = _script_value(folder, r"--output[ =]([\w./-]+/)[\w-]+\.js\b")  # as it was until webpack 5
    return _tidy(file or _script_value(folder, r"--output-path[ =]([\w./-]+)"), default)


def _seen_from_here(config: str, written: str) -> str | None:
    """A directory as a config file of the folder names it, seen from the folder; one above it keeps its `..`."""
    return _tidy(normpath(join(config.rpartition("/")[0], written.strip())), None)


def _script_value(folder: Folder, pattern: str) -> str | None:
    """The first match in a build script."""
    scripts = folder.package.scripts if folder.package else {}
    for name in ("build", "build:prod", "build:production", "build:frontend", "build:client"):
        match = re.search(pattern, scripts.get(name, ""))
        if match:
            return match[1].rstrip("/").removeprefix("./")
    return None


def _tidy(written: str | None, default: str | None) -> str | None:
    return (written or default or "").removeprefix("./").rstrip("/") or None
