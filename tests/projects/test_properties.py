"""What holds for every tree, drawn at random from names that mean something and bytes that mean nothing."""

from __future__ import annotations

import ast

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.projects.detector import detect
from service.projects.keyfiles import MAX_KEY_FILES, wanted
from service.projects.kinds import KINDS
from service.projects.places import PROJECT_FILE, candidates
from service.projects.python_manifest import is_requirements
from service.projects.python_source import FACTORY, applications, may_hold_application
from service.projects.tree import Tree, is_plain
from tests.projects.looking import ANGULAR_JSON, EXPRESS, FASTAPI_PY, FLASK_PY, MANAGE_PY, REACT, VUE, WSGI_PY

TYPES = {kind.type for kind in KINDS} | {"fullstack", "monorepo", "unknown"}
folders = st.sampled_from(
    [
        "",
        "frontend/",
        "backend/",
        "apps/web/",
        "apps/api/",
        "packages/ui/",
        "src/",
        "docs/",
        "node_modules/x/",
        "a/b/c/d/e/",
    ]
)
names = st.sampled_from(
    [
        "package.json",
        "package-lock.json",
        "pnpm-lock.yaml",
        "yarn.lock",
        "vite.config.ts",
        "next.config.js",
        "angular.json",
        "index.html",
        "server.js",
        "src/main.ts",
        "manage.py",
        "app.py",
        "main.py",
        "wsgi.py",
        "__init__.py",
        "requirements.txt",
        "pyproject.toml",
        "uv.lock",
        "Dockerfile",
        "docker-compose.yml",
        "Procfile",
        ".nvmrc",
        "go.mod",
        "main.go",
        "Cargo.toml",
        "pom.xml",
        "composer.json",
        "artisan",
        "Gemfile",
        "turbo.json",
        "pnpm-workspace.yaml",
        "mix.exs",
        "App.csproj",
        "é.txt",
    ]
)
contents = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [REACT, VUE, EXPRESS, ANGULAR_JSON, FLASK_PY, FASTAPI_PY, MANAGE_PY, WSGI_PY, "flask\n", "FROM node:20\n", "18"]
    ).map(str.encode),
    st.sampled_from(
        [
            "services:\n  web: {build: .}\n",
            "packages: ['apps/*', 'packages/*']\n",
            "module x\n",
            "web: gunicorn a.b:c\n",
        ]
    ).map(str.encode),
)
trees = st.dictionaries(st.builds("{}{}".format, folders, names), contents, max_size=25)


def same(tree: dict[str, bytes], paths: list[str]) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(detect(paths, tree), analysis_ms=0))


@settings(max_examples=150, deadline=None)
@given(trees)
def test_every_tree_has_an_answer_of_the_closed_list(tree: dict[str, bytes]) -> None:
    detection = detect(tree, tree)

    assert detection.type in TYPES
    assert 0 <= detection.confidence <= 1
    assert "could not be" not in " ".join(detection.warnings)
    assert {part.type for part in detection.components} <= TYPES


@settings(max_examples=60, deadline=None)
@given(trees, st.randoms())
def test_the_order_of_paths_does_not_matter(tree: dict[str, bytes], random: object) -> None:
    shuffled = list(tree)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' Random

    assert same(tree, shuffled + shuffled[:3]) == same(tree, list(tree))


@settings(max_examples=60, deadline=None)
@given(trees)
def test_evidence_names_files_that_are_there(tree: dict[str, bytes]) -> None:
    detection = detect(tree, tree)

    named = [evidence.file for part in (detection, *detection.components) for evidence in part.evidence]
    assert all(
        file in tree or file in (".", "config") or any(path.startswith(f"{file}/") for path in tree) for file in named
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=60))
def test_any_text_may_stand_where_a_path_is_meant(paths: list[str]) -> None:
    chosen = wanted(paths)

    assert len(chosen) <= MAX_KEY_FILES
    assert set(chosen) <= set(paths)
    assert detect(paths, {}).type in TYPES


ODD = ("", ".", "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "a//b", "/a", "a/", "a\\b", "a\tb", "a\nb")
HIDDEN = (".github/x", "a/.github", ".a", "a/..b", "a/b..")


@given(st.lists(st.text("ab./\\\n\t é", max_size=8) | st.sampled_from((*ODD, *HIDDEN)), max_size=4))
def test_paths_are_kept_together_as_they_are_one_by_one(paths: list[str]) -> None:
    assert Tree(paths, {}).paths == tuple(sorted(set(filter(is_plain, paths))))


@pytest.mark.parametrize(("path", "kept"), [*((path, False) for path in ODD), *((path, True) for path in HIDDEN)])
def test_an_odd_path_is_dropped_from_among_others(path: str, kept: bool) -> None:
    assert (path in Tree([path, "a", "b/c"], {}).paths) is kept


LETTERS = st.text("abcdefgh-_", max_size=6)
manifests = st.one_of(
    st.from_regex(PROJECT_FILE, fullmatch=True),
    st.builds("{}equirements{}.{}".format, st.sampled_from("rR"), LETTERS, st.sampled_from(["txt", "in"])),
    st.builds("{}.dockerfile".format, LETTERS),
    st.builds("Dockerfile{}".format, st.sampled_from(["", ".web", "-prod"])),
    st.builds("{}compose{}.{}".format, st.sampled_from(["", "docker-"]), st.just(""), st.sampled_from(["yml", "yaml"])),
    st.sampled_from(["Containerfile", "compose.prod.yml", "docker-compose_web.yaml", "requeriments.txt"]),
)


@given(manifests)
def test_a_directory_with_a_manifest_of_any_name_may_hold_a_project(name: str) -> None:
    assume("/" not in name and is_plain(name) and not name.startswith("."))
    assume(is_requirements(name) or name[0] not in "rR")
    assume(not any(word in name.lower() for word in ("dev", "test", "local", "debug", "ci", "lint", "ignore")))

    assert "desk" in candidates(Tree([f"desk/{name}"], {}))


@given(st.from_regex(FACTORY, fullmatch=True), st.integers(0, 300))
def test_no_module_that_makes_an_application_is_passed_over(factory: str, blanks: int) -> None:
    assume(factory.isascii() and factory.isidentifier())
    for line in (f"app = {factory}()", f"def {factory}():\n    return Flask(__name__)", "from desk import app"):
        source = "#" * blanks + f"\n{line}\n"
        assert may_hold_application(source) or not applications(ast.parse(source))
        assert may_hold_application(source)
