"""Quasar: Vue with a command line of its own, which keeps its bundler to itself."""

from __future__ import annotations

import re

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.model import Evidence

# Those that build; `quasar` alone is a set of components that any bundler takes.
_BUILDERS = ("@quasar/app-vite", "@quasar/app-webpack", "@quasar/app", "quasar-cli", "@quasar/cli")
_CONFIGS = ("quasar.config", "quasar.conf")
_MODE = re.compile(r"\bquasar build\b[^&|;]*?(?:-m|--mode)[ =](\w+)")
_NOT_SERVED = frozenset(["electron", "cordova", "capacitor", "bex", "android", "ios"])


def quasar(folder: Folder) -> Evidence | None:
    """What tells that Quasar builds the pages here; None where it only builds what is installed on a device."""
    package = folder.package
    if package is None or mode(folder) in _NOT_SERVED:
        return None
    config = next(filter(None, map(folder.config, _CONFIGS)), None)
    if config:
        return folder.fact(config, "configuration of Quasar")
    builder = package.first_of(*_BUILDERS)
    return package.fact(builder) if builder else None


def mode(folder: Folder) -> str:
    """What the build script makes: `spa` unless it says another (`pwa`, `ssr`)."""
    match = _MODE.search(folder.package.command("build")) if folder.package else None
    return match[1].lower() if match else "spa"


def quasar_output(folder: Folder) -> str:
    """`dist/spa`; below version 1 a theme was part of the name."""
    written = next(filter(None, (javascript.setting(folder.config_text(stem), "distDir") for stem in _CONFIGS)), None)
    package = folder.package
    old = package is not None and package.depends_on("quasar-cli", "quasar-framework")
    return (written or f"dist/{mode(folder)}{'-mat' if old else ''}").removeprefix("./").rstrip("/")
