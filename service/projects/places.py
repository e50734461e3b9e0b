"""Which directories of a repository may hold a project; decided by names alone."""

from __future__ import annotations

import re
from functools import lru_cache

from service.projects.containers import is_compose, is_dockerfile
from service.projects.package import package_in
from service.projects.python_manifest import is_requirements
from service.projects.tree import Tree

MAX_DEPTH = 4

# Never part of the project: what tools fetched, built or keep for themselves.
_NOISE = """
node_modules bower_components jspm_packages vendor vendors third_party third-party .git .github .gitlab
.circleci .devcontainer .storybook .idea .vscode .venv venv env virtualenv site-packages __pycache__ .tox
.nox .next .nuxt .output .svelte-kit .angular .turbo .nx .cache .yarn .docker .docusaurus .husky .expo dist
out target decompiled coverage __tests__ __mocks__ __fixtures__ cookbooks
"""
NOISE = frozenset(_NOISE.split())
# Part of the project but not what it is about; looked at only where there is nothing else.
_SIDE = """
test tests testing e2e cypress spec specs fixtures fixture doc docs documentation example
examples sample samples template templates theme themes demo demos benchmark benchmarks bench playground
playgrounds sandbox scripts script tools tool tooling ci build contrib docker infra infrastructure deploy
deployment deployments k8s helm terraform ansible packaging integration-tests e2e-tests test-app testdata
perf hack tutorial tutorials starters boilerplates snippets misc archive legacy deprecated old backup design
assets public resources plugins addons extensions android ios src-tauri electron functions extra extras
storybook mock mocks slides presentation kubernetes drone buildsrc
"""
SIDE = frozenset(_SIDE.split())
# The pages about the project at the top, if there is one; the project's own where there is none or a server beside.
_SITES = ("website", "site")
_SERVERS = ("backend", "back-end", "server", "api")
_MANIFESTS = """
package.json package.json5 package.yaml pyproject.toml Pipfile setup.py setup.cfg manage.py environment.yml
composer.json artisan Gemfile go.mod go.work Cargo.toml pom.xml build.gradle build.gradle.kts
settings.gradle settings.gradle.kts deno.json deno.jsonc mix.exs angular.json .angular-cli.json project.json
global.json config.ru index.html hugo.toml hugo.yaml mkdocs.yml mkdocs.yaml _config.yml Staticfile main.py
app.py application.py server.py bot.py main.go index.php pubspec.yaml build.sbt Package.swift CMakeLists.txt
"""
MANIFESTS = frozenset(_MANIFESTS.split())
PROJECT_FILE = re.compile(r".*\.(?:csproj|fsproj|vbproj|sln|slnx|cabal|gemspec)")
_SIDE_PART = re.compile(
    r"^(?:mock|fake|stub|dummy|dev)[-_]?(?:servers?|apis?|backend|back-end|services?|json)$|^(?:json|mocks?)[-_]?server$|"
    r"^examples?-|^test-(?!(?:web|server|api|client|frontend|backend|ui)$)|^test_?project|^project_?template|^__?e2e|^e2e|^docs-|"
    r"[-_](?:config|configs|mock|docs|e2e|example|examples|playground|sandbox|storybook|templates)$"
)
_PACKED = re.compile(r"(^|/)src/main/resources/((?:front|client|web|ui)[\w-]*(?:/|$))", re.IGNORECASE)


def is_noise(folder: str) -> bool:
    """Whether a directory lies in one of `NOISE`, or in one that a tool keeps out of sight."""
    hidden = "/." in folder or (folder.startswith(".") and folder != ".")
    return hidden or not NOISE.isdisjoint(folder.split("/"))


def is_side(folder: str) -> bool:
    """Whether a directory lies in one of `SIDE`: documentation, tests, examples; or in one whose name a template's
    user fills in."""
    if "src/main/resources/" in folder:  # of Java: the pages that are packed with a server have their sources there
        folder = _PACKED.sub(r"\1\2", folder)
    return any(map(_is_side_part, folder.split("/")))


@lru_cache(maxsize=8192)
def _is_side_part(part: str) -> bool:
    part = part.lower()
    return part in SIDE or _SIDE_PART.search(part) is not None or "{{" in part


def candidates(tree: Tree) -> tuple[str, ...]:
    """The directories that may hold a project, the top first, then by depth and name.

    What lies beside the project (`SIDE`) counts only if nothing else does.
    """
    found = [folder for folder in sorted(tree.folders, key=_depth_first) if _may_hold(tree, folder)]
    beside = _SITES if "." in found and not _is_bare(tree) and not any(name in found for name in _SERVERS) else ()
    main = [folder for folder in found if not is_side(folder) and folder.lower().partition("/")[0] not in beside]
    return tuple(main or found)


def _depth_first(folder: str) -> tuple[int, str]:
    return depth(folder), folder


def depth(folder: str) -> int:
    """How many directories deep `folder` lies; the top is 0."""
    return 0 if folder == "." else folder.count("/") + 1


def _may_hold(tree: Tree, folder: str) -> bool:
    if depth(folder) > MAX_DEPTH or is_noise(folder):
        return False
    names = tree.names(folder)
    if "__init__.py" in names and folder != ".":  # a package: its `app.py` is a module of the project above
        names = tuple(name for name in names if name not in _SCRIPTS)
    if any(map(_is_manifest, names)):
        return True
    if folder == ".":
        if any(map(tree.has, DENO_ENTRIES)):
            return True
        generated = any(map(tree.has_folder, ("content", "archetypes"))) and not _OF_HUGO.isdisjoint(names)
        return generated or not _STARTS.isdisjoint(names) or tree.has_folder("config/_default")
    return False


def _is_bare(tree: Tree) -> bool:
    """Whether the top holds nothing but a package.json without scripts: dependencies of what lies below."""
    package = package_in(tree, ".")
    return not any(_is_manifest(name) for name in tree.names(".") if name != "package.json") and (
        package is None or not package.scripts
    )


_STARTS = frozenset(("run.py", "wsgi.py", "asgi.py"))  # further down they are more often modules of something
# How names of manifests end that are not fixed; the others hold one of the words that `_is_manifest` looks for.
_ENDINGS = ("proj", ".sln", ".slnx", ".cabal", ".gemspec")
# What Deno starts from where no file says that it does.
DENO_ENTRIES = tuple(f"{place}{name}.ts" for place in ("", "src/") for name in ("main", "server", "mod", "index"))
_OF_HUGO = frozenset(("config.toml", "config.yaml", "config.yml"))  # as it was called for long
_SCRIPTS = frozenset(("main.py", "app.py", "application.py", "server.py", "bot.py", "wsgi.py"))


def _is_manifest(name: str) -> bool:
    if name in MANIFESTS:
        return True
    lower = name.lower()
    if not (
        "req" in lower or "docker" in lower or "container" in lower or "compose" in lower or lower.endswith(_ENDINGS)
    ):
        return False  # as almost all are, so that the rest need not be fast
    return is_requirements(name) or is_dockerfile(name) or is_compose(name) or PROJECT_FILE.fullmatch(name) is not None
