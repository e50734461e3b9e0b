"""Rust: a crate or a workspace of them, built by Cargo."""

from __future__ import annotations

from collections.abc import Iterator

from service.projects import version_files, versions
from service.projects.backing import backing_services
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.reading import string, table

_FRAMEWORKS = ("axum", "actix-web", "rocket", "warp", "poem", "salvo", "leptos", "yew")


def recognise(folder: Folder) -> Claim | None:
    if not folder.has("Cargo.toml"):
        return None
    content = folder.tree.toml(folder.path("Cargo.toml"))
    if (
        folder.python.pyproject
        and string(table(folder.python.pyproject.get("build-system")).get("build-backend")) == "maturin"
    ):
        return None  # a Python package with a part in Rust
    name = string(table(content.get("package")).get("name"))
    dependencies = {**table(table(content.get("workspace")).get("dependencies")), **table(content.get("dependencies"))}
    if "tauri" in dependencies:
        return None  # a program for desktops
    framework = next((word for word in _FRAMEWORKS if word in dependencies), None)
    fact = f"package {name}" if name else "a workspace of crates" if "workspace" in content else "a Cargo project"
    library = not (folder.has("src/main.rs") or folder.has_folder("src/bin") or "workspace" in content or framework)
    return Claim(0.93, (folder.fact("Cargo.toml", fact),), framework, library=library)


def _stated(folder: Folder) -> Iterator[version_files.Stated]:
    yield from version_files.other(folder.tree, folder.root, "rust", 2, ("rust-toolchain",))
    channel = string(table(folder.tree.toml(folder.path("rust-toolchain.toml")).get("toolchain")).get("channel"))
    if channel and channel[0].isdigit():  # not "stable" or "nightly-2025-01-01"
        yield channel, folder.path("rust-toolchain.toml")
    content = folder.tree.toml(folder.path("Cargo.toml"))
    for section in (table(content.get("package")), table(table(content.get("workspace")).get("package"))):
        if string(section.get("rust-version")):
            yield str(section["rust-version"]), folder.path("Cargo.toml")


def describe(folder: Folder) -> Component:
    version, source = version_files.first_version(folder.tree, _stated(folder), lambda text: versions.dotted(text, 2))
    locked = " --locked" if folder.has("Cargo.lock") else ""
    return Component(
        type="rust",
        language="rust",
        package_manager="cargo",
        runtime_version=version,
        version_source=source,
        install_command=f"cargo fetch{locked}",
        build_command=f"cargo build --release{locked}",
        test_command=f"cargo test{locked}",
        lint_command="cargo clippy --all-targets -- -D warnings",
        output_dir="target/release",
        port=folder.dockerfile.exposed[0] if folder.dockerfile and folder.dockerfile.exposed else None,
        services=backing_services(folder),
    )


KIND = Kind("rust", "backend", "rust", recognise, describe)
