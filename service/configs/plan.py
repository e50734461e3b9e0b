"""The words between a kind of project and the files: what to build, how to run it, what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Runner = Literal["static", "systemd", "pm2", "docker"]

RELEASE_ARTIFACT = "release.tar.gz"


@dataclass(frozen=True, slots=True)
class Decision:
    """One choice, with its reason. `override` names the setting, option or file by which a person changes it."""

    name: str
    value: str
    why: str
    override: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A cache of Pipelines: kept per content of `key_files`, or for seven days when there are none."""

    name: str
    path: str
    key_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One step's worth of commands. `artifact` is the file that it hands to the deployment, if any."""

    name: str
    image: str
    script: tuple[str, ...]
    caches: tuple[Cache, ...] = ()
    services: tuple[str, ...] = ()
    artifact: str | None = None
    size: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """Files whose names carry a hash of their content: cached for ever, kept for tabs opened before a deployment.

    `prefix` is a URL path such as `/assets/`; `pattern` is a regular expression over the path for tools that put them
    at the root; `carry` are patterns for `find -path`, relative to the site's directory.
    """

    prefix: str | None = None
    pattern: str | None = None
    carry: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What nginx serves: files of a release (`files_dir` inside it), an application behind a port, or both.

    `fallback` is what answers for a path without a file: `spa` the start page, `pages` the page of that name or 404.
    `static_dir` holds the directory `static/` of a framework that collects its files; the application answers for what
    is not there. `aliases` are URL prefixes served from directories relative to the deployment path. `pages` says that
    a second program answers for whatever is not under the prefixes: it renders pages, and asks the application.
    """

    files_dir: str | None = None
    fallback: Literal["spa", "pages"] = "spa"
    proxied: bool = False
    proxy_prefixes: tuple[str, ...] = ("/",)
    assets: Assets = Assets()
    static_dir: str | None = None
    aliases: tuple[tuple[str, str], ...] = ()
    pages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that one kind of project decides; the pipeline, nginx and the server's files are made from it.

    `install` and `run` name templates below `deploy/`, rendered with `values`. `pull_request_builds` replace the
    builds where those would need a secret; `notifies` says that the program tells
    systemd when it serves; `pack` puts several artifacts together before they are sent;
    `repository_files` are (path, text) for the repository itself.
    """

    builds: tuple[Work, ...]
    checks: tuple[Work, ...]
    deploy_image: str
    install: str
    run: Runner
    site: Site
    port: int | None = None
    pull_request_builds: tuple[Work, ...] = ()
    pack: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    notifies: bool = False
    repository_files: tuple[tuple[str, str], ...] = ()
    decisions: tuple[Decision, ...] = ()
