"""Sites that are generated: by which tool, with which command, into which directory."""

from __future__ import annotations

import pytest

from tests.projects.looking import Files, look, package

CASES: dict[str, tuple[Files, str, str | None, str]] = {
    "Middleman": (
        {"Gemfile": "gem 'middleman', '~> 4.4'\n", "config.rb": "", "source/index.html.erb": ""},
        "middleman",
        "bundle exec middleman build",
        "build",
    ),
    "Pelican": (
        {"requirements.txt": "pelican\n", "pelicanconf.py": "", "publishconf.py": "", "content/first.md": ""},
        "pelican",
        "pelican content -s publishconf.py",
        "output",
    ),
    "Preact's own command": (
        {"package.json": package("preact", dev=("preact-cli",), scripts={"build": "preact build"})},
        "preact-cli",
        "npm run build",
        "build",
    ),
    "Brunch": (
        {
            "package.json": package(dev=("brunch",), private=True, scripts={"start": "brunch watch --server"}),
            "app/assets/index.html": "",
            "app/initialize.js": "",
        },
        "brunch",
        "npx brunch build --production",
        "public",
    ),
    "Stencil": (
        {"package.json": package("@stencil/core", scripts={"start": "stencil build --serve"}), "src/index.html": ""},
        "stencil",
        "npx stencil build",
        "www",
    ),
    "a studio of Sanity": (
        {"package.json": package("@sanity/core", "react-dom", scripts={"build": "sanity build"}), "sanity.json": "{}"},
        "sanity",
        "npm run build",
        "dist",
    ),
    "slides": (
        {"package.json": package("@slidev/cli", private=True, scripts={"build": "slidev build"}), "slides.md": ""},
        "slidev",
        "npm run build",
        "dist",
    ),
    "VuePress in a directory that the script names": (
        {"package.json": package(dev=("vuepress",), scripts={"build": "vuepress build src"}), "src/index.md": ""},
        "vuepress",
        "npm run build",
        "src/.vuepress/dist",
    ),
    "Hugo in a directory that the script names": (
        {
            "package.json": package(
                dev=("hugo-bin", "webpack"),
                main="index.js",
                scripts={"start": "run-p start:*", "build": "npm run pages", "pages": "hugo -d ../dist -s site -v"},
            ),
            "site/config.toml": 'baseURL = "/"\n',
            "src/index.js": "",
        },
        "hugo",
        "npm run build",
        "dist",
    ),
    "Hugo with its configuration in parts": (
        {"config/_default/config.toml": 'title = "shop"\n', "content/first.md": ""},
        "hugo",
        "hugo --minify",
        "public",
    ),
    "Hugo without contents yet": (
        {"config.toml": 'baseURL = "/"\n', "archetypes/default.md": ""},
        "hugo",
        "hugo --minify",
        "public",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_pages_are_generated_by(case: str) -> None:
    files, framework, build, output = CASES[case]

    detection = look(files)

    assert (detection.type, detection.framework) == ("static", framework)
    assert (detection.build_command, detection.output_dir) == (build, output)


def test_sapper_exports_svelte_into_a_directory_of_its_own() -> None:
    scripts = {"build": "sapper export"}
    detection = look(
        {"package.json": package("svelte", "sapper", dev=("rollup",), scripts=scripts), "src/template.html": ""}
    )

    assert (detection.type, detection.output_dir) == ("svelte", "__sapper__/export")
