"""Where a build puts its pages, as the config file says it."""

from __future__ import annotations

import pytest

from tests.projects.looking import ANGULAR_JSON, REACT, VUE, Files, look, package

WEBPACK = package("react", dev=("webpack", "html-webpack-plugin"), private=True, scripts={"build": "webpack"})
NAMED = package(
    "react", dev=("webpack", "html-webpack-plugin"), private=True, scripts={"build": "webpack --config tools/pack.js"}
)
VUE_CLI = package("vue", dev=("@vue/cli-service",), scripts={"build": "vue-cli-service build"})


def quasar(*dev: str, build: str = "quasar build") -> str:
    return package("quasar", dev=dev, private=True, scripts={"build": build})


CASES: dict[str, tuple[Files, str]] = {
    "Vite, resolved from the config file": (
        {"package.json": REACT, "vite.config.ts": "const c = { build: { outDir: resolve(__dirname, '../pages') } }"},
        "../pages",
    ),
    "webpack, by a place among others": (
        {
            "package.json": WEBPACK,
            "webpack.config.js": (
                "const places = { built: resolve(__dirname, './pages'), src: resolve(__dirname, 'src') }\n"
                "module.exports = { output: { filename: 'a.js', path: places.built } }"
            ),
        },
        "pages",
    ),
    "what the build runs of several bundlers": (
        {
            "package.json": package("react", dev=("parcel-bundler", "webpack"), scripts={"build": "rm -r a; webpack"}),
            "webpack.config.js": "module.exports = { output: { path: path.resolve(__dirname, '../docs/') } }",
        },
        "../docs",
    ),
    "pages beside a worker of Cloudflare's": (
        {"package.json": REACT.replace('"vite": ', '"@cloudflare/vite-plugin": "1", "vite": '), "vite.config.ts": ""},
        "dist/client",
    ),
    "a build that moves its result": (
        {"package.json": REACT.replace('"vite build"', '"rm -rf _site; vite build && mv dist ./_site"')},
        "_site",
    ),
    "a build that moves something else": (
        {"package.json": REACT.replace('"vite build"', '"mv notes dist2 && vite build"')},
        "dist",
    ),
    "Vite, in a module that has to make the name of its directory": (
        {
            "package.json": REACT,
            "vite.config.ts": (
                "const dirname = path.dirname(fileURLToPath(import.meta.url))\n"
                "export default { build: { outDir: path.resolve(dirname, '../public_html/admin') } }"
            ),
        },
        "../public_html/admin",
    ),
    "Vite, joined by a function of the file's own": (
        {
            "package.json": REACT,
            "vite.config.ts": (
                "const here = (...parts: string[]) => path.resolve(__dirname, ...parts);\n"
                "export default { root: here('src/app'), build: { outDir: here('build') } }"
            ),
        },
        "build",
    ),
    "Vite, joined by a function that goes up": (
        {
            "package.json": REACT,
            "vite.config.ts": (
                "function above(dir) { return path.join(__dirname, '..', dir) }\n"
                "export default { build: { outDir: above('pages') } }"
            ),
        },
        "../pages",
    ),
    "webpack, among the names of all places": (
        {
            "package.json": WEBPACK,
            "webpack.config.js": (
                "const PLACES = {\n  SOURCE: path.resolve('src'),\n  OUTPUT: path.resolve('build'),\n}\n"
                "module.exports = { output: {\n  path: PLACES.OUTPUT,\n} }"
            ),
        },
        "build",
    ),
    "Vite, as an address": (
        {
            "package.json": VUE,
            "vite.config.js": (
                "export default { build: { outDir: fileURLToPath(new URL('./www', import.meta.url)) } }"
            ),
        },
        "www",
    ),
    "Vite, resolved from where it is run": (
        {"package.json": REACT, "vite.config.ts": "const c = { build: { outDir: resolve('../server/static') } }"},
        "../server/static",
    ),
    "the template that Vue had for webpack": (
        {
            "package.json": package("vue", dev=("webpack",), private=True, scripts={"build": "node build/build.js"}),
            "config/index.js": "module.exports = { build: { assetsRoot: path.resolve(__dirname, '../public/app') } }",
        },
        "public/app",
    ),
    "webpack, by a name for a directory of its own": (
        {
            "package.json": WEBPACK,
            "webpack.config.js": (
                "const base = path.join(__dirname, 'client');\n"
                "module.exports = { output: { path: path.join(base, './dist') } }"
            ),
        },
        "client/dist",
    ),
    "webpack, from where it is run, in what several configs share": (
        {
            "package.json": WEBPACK.replace('"build": "webpack"', '"build": "webpack --config webpack.prod.js"'),
            "webpack.prod.js": "module.exports = merge(common, {})",
            "webpack.common.js": "module.exports = { output: { path: path.resolve('.build'), publicPath: '/' } }",
        },
        ".build",
    ),
    "webpack, joined to where it is run": (
        {
            "package.json": WEBPACK,
            "webpack.config.js": "module.exports = { output: { path: path.join(process.cwd(), '/made') } }",
        },
        "made",
    ),
    "webpack as JHipster has it": (
        {
            "package.json": WEBPACK.replace('"build": "webpack"', '"build": "webpack --config webpack/prod.js"'),
            "webpack/prod.js": "module.exports = { output: { path: utils.root('target/classes/static/') } }",
        },
        "target/classes/static",
    ),
    "Angular, where production has a directory of its own": (
        {
            "package.json": package("@angular/core", dev=("@angular/cli",), scripts={"build": "ng build"}),
            "angular.json": ANGULAR_JSON.replace(
                '"options"', '"configurations": {"production": {"outputPath": "../server/static"}}, "options"'
            ).replace("@angular/build:application", "@angular-devkit/build-angular:browser"),
        },
        "../server/static",
    ),
    "Nuxt 2 without a server": (
        {
            "package.json": package("nuxt@2.15.8", scripts={"build": "nuxt build"}),
            "nuxt.config.js": "export default { ssr: false }",
        },
        "dist",
    ),
    "Parcel, with a target": (
        {
            "package.json": package(
                "react", dev=("parcel",), scripts={"build": "parcel build"},
                targets={"main": False, "pages": {"distDir": "./public/app"}},
            )
        },
        "public/app",
    ),
    "Parcel, with two targets": (
        {
            "package.json": package(
                "react", dev=("parcel",), scripts={"build": "parcel build"},
                targets={"a": {"distDir": "one"}, "b": {"distDir": "two"}},
            )
        },
        "dist",
    ),
    "Vite, computed elsewhere": (
        {"package.json": REACT, "vite.config.ts": "export default { build: { outDir: where() } }"},
        "dist",
    ),
    "webpack, one directory down": (
        {
            "package.json": WEBPACK,
            "webpack/webpack.prod.js": "const c = { output: { path: path.join(__dirname, '../www') } }",
        },
        "www",
    ),
    "webpack, through a name": (
        {
            "package.json": WEBPACK,
            "config/webpack.common.js": (
                "const TARGET = path.resolve(__dirname, '../public/pages')\n"
                "module.exports = { output: { path: TARGET, filename: 'a.js' } }"
            ),
        },
        "public/pages",
    ),
    "webpack, by a module of another name": (
        {
            "package.json": WEBPACK,
            "webpack.config.js": "const t = Path.resolve(__dirname, 'www');\nmodule.exports = { output: { path: t } }",
        },
        "www",
    ),
    "webpack, where the build is run": (
        {
            "package.json": WEBPACK,
            "internals/webpack/webpack.base.js": (
                "module.exports = (more) => ({ output: merge({ path: path.resolve(process.cwd(), 'www') }, more) })"
            ),
        },
        "www",
    ),
    "webpack, as react-scripts leaves it": (
        {"package.json": WEBPACK, "config/paths.js": "", "config/webpack.config.js": "", "scripts/build.js": ""},
        "build",
    ),
    "webpack, glued together": (
        {"package.json": WEBPACK, "webpack.config.js": "module.exports = { output: { path: __dirname + '/www' } }"},
        "www",
    ),
    "Vue CLI, resolved from the config file": (
        {"package.json": VUE_CLI, "vue.config.js": "module.exports = { outputDir: resolve(__dirname, '../static') }"},
        "../static",
    ),
    "Quasar": ({"package.json": quasar("@quasar/app-vite"), "quasar.config.ts": ""}, "dist/spa"),
    "Quasar with a directory of its own": (
        {"package.json": quasar("@quasar/app"), "quasar.conf.js": "module.exports = { build: { distDir: 'www' } }"},
        "www",
    ),
    "Quasar for phones' browsers": ({"package.json": quasar("@quasar/app", build="quasar build -m pwa")}, "dist/pwa"),
    "Quasar before version 1": (
        {"package.json": package(dev=("quasar-cli",), scripts={"build": "quasar build"}), "quasar.conf.js": ""},
        "dist/spa-mat",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_pages_lie_where_it_is_written_for(case: str) -> None:
    files, expected = CASES[case]

    assert look({"index.html": "", "src/main.tsx": "", **files}).output_dir == expected


def test_a_pipfile_without_a_package_says_nothing_of_the_manager() -> None:
    bare = '[[source]]\nurl = "https://pypi.org/simple"\n[packages]\n[dev-packages]\n'

    detection = look({"Pipfile": bare, "Pipfile.lock": "{}", "requirements.txt": "rich\n", "main.py": ""})

    assert detection.package_manager == "pip"


@pytest.mark.parametrize("place", ["src", "app"])
def test_what_gulp_makes_lies_in_dist_by_custom(place: str) -> None:
    built = package(dev=("gulp",), private=True, scripts={"build": "gulp build"})
    shown = package(dev=("gulp",), private=True, scripts={"watch": "gulp watch"})

    assert look({"package.json": built, f"{place}/index.html": ""}).output_dir == "dist"
    assert look({"package.json": shown, f"{place}/index.html": ""}).output_dir == place
