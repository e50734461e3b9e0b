"""Elixir: a Mix project, with Phoenix or without."""

from __future__ import annotations

import re

from service.projects import version_files, versions
from service.projects.backing import backing_services
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component


def recognise(folder: Folder) -> Claim | None:
    if not folder.has("mix.exs"):
        return None
    phoenix = re.search(r"\{\s*:phoenix\s*,", folder.text("mix.exs") or "") is not None
    return Claim(0.95, (folder.fact("mix.exs", "a Mix project"),), "phoenix" if phoenix else None, library=not phoenix)


def describe(folder: Folder) -> Component:
    stated = version_files.other(folder.tree, folder.root, "elixir", 2, (".elixir-version",))
    version, source = version_files.first_version(folder.tree, stated, lambda text: versions.dotted(text, 2))
    phoenix = re.search(r"\{\s*:phoenix\s*,", folder.text("mix.exs") or "") is not None
    return Component(
        type="elixir",
        language="elixir",
        package_manager="mix",
        runtime_version=version,
        version_source=source,
        install_command="mix deps.get",
        build_command="MIX_ENV=prod mix release" if phoenix else "mix compile",
        test_command="mix test",
        lint_command="mix format --check-formatted",
        start_command="mix phx.server" if phoenix else None,
        port=4000 if phoenix else None,
        services=backing_services(folder),
    )


KIND = Kind("elixir", "backend", "elixir", recognise, describe)
