"""The words in which a project is described: what the detector answers and the generator reads."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["frontend", "backend", "library"]


class Evidence(msgspec.Struct, frozen=True):
    """One fact that speaks for the answer, with the file that says so (path relative to the analysed directory)."""

    file: str
    fact: str


class Alternative(msgspec.Struct, frozen=True):
    """Another kind that the repository could be taken for, and why it was not chosen."""

    type: str
    confidence: float
    because: str


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One deployable (or shared) part of a repository.

    `root` and `install_root` are relative to the analysed directory, `output_dir` to `root`. The install command runs
    in `install_root`, where the lock file or the requirements lie: `root` or a directory above it.
    """

    type: str
    role: Role = "backend"
    confidence: float = 0.0
    root: str = "."
    evidence: tuple[Evidence, ...] = ()
    language: str | None = None
    package_manager: str | None = None
    runtime_version: str | None = None
    version_source: str | None = None
    install_command: str | None = None
    install_root: str | None = None
    build_command: str | None = None
    test_command: str | None = None
    lint_command: str | None = None
    output_dir: str | None = None
    start_command: str | None = None
    app_object: str | None = None
    port: int | None = None
    services: tuple[str, ...] = ()
    framework: str | None = None
    warnings: tuple[str, ...] = ()


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of project a directory holds, with the evidence: the answer of `penstock detect --json`.

    `runtime_version` is what the repository states, normalised to `major` or `major.minor`; `confidence` is 0 to 1;
    `components` is filled for `fullstack` and `monorepo`. `unknown` is an answer, not an error.
    """

    type: str
    confidence: float
    root: str = "."
    evidence: tuple[Evidence, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    language: str | None = None
    package_manager: str | None = None
    runtime_version: str | None = None
    version_source: str | None = None
    install_command: str | None = None
    install_root: str | None = None
    build_command: str | None = None
    test_command: str | None = None
    lint_command: str | None = None
    output_dir: str | None = None
    start_command: str | None = None
    app_object: str | None = None
    port: int | None = None
    services: tuple[str, ...] = ()
    framework: str | None = None
    components: tuple[Component, ...] = ()
    warnings: tuple[str, ...] = ()
    analysis_ms: float = 0.0
