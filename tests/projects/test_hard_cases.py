"""Repositories that misled earlier detectors, each rebuilt as a small tree of its own."""

from __future__ import annotations

import json

import pytest

from tests.projects.looking import (
    ANGULAR_JSON,
    EXPRESS,
    FASTAPI_PY,
    FLASK_PY,
    MANAGE_PY,
    REACT,
    SERVER_JS,
    VUE,
    WSGI_PY,
    Files,
    look,
    package,
)

LINTERS = package(dev=("eslint", "prettier", "husky", "@types/node"), scripts={"lint": "eslint ."})
DJANGO: Files = {"manage.py": MANAGE_PY, "config/wsgi.py": WSGI_PY, "requirements.txt": "django\n"}
CRA = package("react", "react-scripts", scripts={"start": "react-scripts start"})

ONE_TYPE: dict[str, tuple[Files, str]] = {
    "settings in a package called website": (
        {
            "manage.py": MANAGE_PY.replace("config.settings", "website.settings"),
            "pyproject.toml": '[project]\nname = "labs"\ndependencies = ["django"]\n',
            "website/wsgi.py": WSGI_PY,
        },
        "django",
    ),
    "pages among the code of a server without a manifest": (
        {"frontend/index.html": "", "serve.py": "", "api/orders.py": "", "api/models.py": ""},
        "unknown",
    ),
    "a page beside a PHP project": (
        {
            "application/composer.json": '{"require": {"symfony/framework-bundle": "^7"}}',
            "application/public/index.php": "",
            "adminer/index.php": "",
        },
        "php",
    ),
    "requirements of the tools of a collection of images": (
        {
            "requirements-dev.txt": "pytest\n",
            "tools/tag.py": "",
            **{f"images/{name}/Dockerfile": "FROM debian:12\n" for name in ("base", "lab", "notebook")},
        },
        "docker",
    ),
    "a script beside a collection of images": (
        {"tag.py": "", **{f"{name}/Dockerfile": "FROM debian:12\n" for name in ("base", "lab", "notebook")}},
        "docker",
    ),
    "the image of an editor": ({".gitpod.Dockerfile": "FROM gitpod/workspace-full\n", "lib.zsh": ""}, "unknown"),
    "a package in a hidden directory": (
        {".operations/package.json": package("express", scripts={"start": "node run.js"}), "README.md": ""},
        "unknown",
    ),
    "an image that is only an example": ({"examples/proxy/Dockerfile": "FROM haproxy:3\n", "setup.yml": ""}, "unknown"),
    "documentation in MkDocs above packages": (
        {
            "mkdocs.yml": "site_name: Desk\n",
            **{f"desk/{name}/setup.py": "from setuptools import setup\nsetup()\n" for name in ("api", "types")},
        },
        "monorepo",
    ),
    "documentation in VitePress above packages": (
        {
            "package.json": package(dev=("vitepress",), private=True, workspaces=["packages/*"]),
            "packages/one/package.json": package(exports="./index.js"),
            "packages/two/package.json": package(exports="./index.js"),
        },
        "monorepo",
    ),
    "Ruby that tests a program in C++": (
        {"Gemfile": "gem 'cucumber'\n", "features/run.rb": "", **{f"src/part{n}.cpp": "" for n in range(9)}},
        "unknown",
    ),
    "a manage.py from before settings were named in it": (
        {
            "manage.py": "from django.core.management import execute_manager\nimport settings\n",
            "settings.py": "",
        },
        "django",
    ),
    "documentation in MkDocs beside a server": (
        {"mkdocs.yml": "site_name: Desk\n", "backend/package.json": EXPRESS, "backend/server.js": SERVER_JS},
        "express",
    ),
    "React Router's compiler at the top of a workspace": (
        {
            "package.json": package(dev=("@react-router/dev", "react", "vite"), workspaces=["apps/*"]),
            "apps/stock/package.json": package("react", "@react-router/dev"),
            "apps/stock/react-router.config.ts": "export default {}",
        },
        "remix",
    ),
    "a Vue application without a page of its own": (
        {
            "package.json": package("vue", dev=("@vue/cli-service",), scripts={"build": "vue-cli-service build"}),
            "src/boot.js": "",
        },
        "vue",
    ),
    "a package.json of linters beside Django": ({**DJANGO, "package.json": LINTERS}, "django"),
    "a package.json of linters alone": ({"package.json": LINTERS, "README.md": ""}, "unknown"),
    "a manage.py that is a command line of its own": (
        {
            "manage.py": "import click\ncli = click.Group()\n",
            "requirements.txt": "click\nalembic\n",
            "tool/__init__.py": "",
        },
        "python",
    ),
    "flask that nothing imports": ({"main.py": "print('hello')\n", "requirements.txt": "flask\n"}, "python"),
    "fastapi only in the name of another package": (
        {"main.py": "import ipware\n", "requirements.txt": "fastapi-ipware==0.1\n"},
        "python",
    ),
    "fastapi only in an address": (
        {
            "src/typing_tool/__init__.py": "",
            "pyproject.toml": '[project]\nname = "typing-tool"\ndependencies = ["click"]\nurls = {Source = "https://example.com/fastapi/typing-tool"}\n',
        },
        "python",
    ),
    "the framework itself": (
        {
            "pyproject.toml": '[project]\nname = "Flask"\n',
            "src/flask/__init__.py": "from .app import Flask\n",
            "src/flask/app.py": "class Flask: ...\n",
        },
        "python",
    ),
    "only extensions of Flask": (
        {"site.py": FLASK_PY, "requirements.txt": "flask-sqlalchemy\nflask_migrate\n"},
        "flask",
    ),
    "a Flask derived and made by a factory": (
        {
            "shop/__init__.py": "",
            "shop/app.py": (
                "from flask import Flask as Base\nclass Shop(Base): ...\n"
                "def create_app(config='x'):\n    app = Shop(__name__)\n    return app\n"
            ),
            "wsgi.py": "from shop.app import create_app\nserver = create_app()\n",
            "requirements.txt": "flask\n",
        },
        "flask",
    ),
    "a class of one's own called FastAPI": (
        {"main.py": "from mine import FastAPI\napp = FastAPI()\n", "requirements.txt": "requests\n"},
        "python",
    ),
    "a router in api/main.py, the application elsewhere": (
        {
            "api/main.py": "from fastapi import APIRouter\napp = APIRouter()\n",
            "main.py": FASTAPI_PY,
            "requirements.txt": "fastapi\n",
        },
        "fastapi",
    ),
    "Express itself": (
        {
            "package.json": package(name="express", files=["lib/"], scripts={"test": "mocha"}, main="index.js"),
            "index.js": "",
        },
        "node",
    ),
    "Express only types and a proxy for development": (
        {
            "package.json": package("react", "express", dev=("vite",), scripts={"start": "vite"}),
            "index.html": "",
            "proxy.js": "",
        },
        "react",
    ),
    "Angular that ships express for rendering": (
        {
            "package.json": package(
                "@angular/core", "@angular/ssr", "express", dev=("@angular/cli",), scripts={"start": "ng serve"}
            ),
            "angular.json": ANGULAR_JSON,
            "src/server.ts": "import express from 'express'",
        },
        "angular",
    ),
    "app.json of Heroku": ({**DJANGO, "app.json": '{"name": "shop", "buildpacks": []}'}, "django"),
    "react-router as a library": (
        {"package.json": package("react", "react-router", "react-router-dom", dev=("vite",)), "index.html": ""},
        "react",
    ),
    "react-router as a framework": (
        {
            "package.json": package("react", "react-router", dev=("@react-router/dev", "vite")),
            "react-router.config.ts": "export default {\n  // set this to false: ssr: false\n  ssr: true,\n}",
            "app/root.tsx": "",
        },
        "remix",
    ),
    "react-router as a framework without its server": (
        {
            "package.json": package("react", "react-router", dev=("@react-router/dev", "vite")),
            "react-router.config.ts": "export default { ssr: false }",
            "app/root.tsx": "",
        },
        "react",
    ),
    "folders named like frameworks": (
        {"django/README.md": "", "rails/README.md": "", "react/README.md": ""},
        "unknown",
    ),
    "templates of generated applications": (
        {
            **DJANGO,
            "templates/starter/package.json": REACT,
            "templates/starter/index.html": "",
            "examples/api/main.py": FASTAPI_PY,
        },
        "django",
    ),
    "Django with a package.json of assets": (
        {**DJANGO, "theme/package.json": package(dev=("sass", "postcss-cli"), scripts={"build": "sass a.scss a.css"})},
        "django",
    ),
    "C++ with a package.json around it": (
        {
            "CMakeLists.txt": "",
            **{f"src/part{i}.cpp": "" for i in range(9)},
            "package.json": package(main="lib/index.js"),
            "lib/index.js": "",
        },
        "unknown",
    ),
    "images of several databases": (
        {f"{name}/Dockerfile": f"FROM {name}:1\n" for name in ("mysql", "redis", "nginx", "php")},
        "docker",
    ),
    "a compose file of finished images with some scripts": (
        {
            "docker-compose.yml": "services:\n  a: {image: 'x/a'}\n  b: {image: 'x/b'}\n",
            "data/web/index.php": "",
            "data/web/tool/index.php": "",
        },
        "docker",
    ),
    "compose with only databases beside an application": (
        {**DJANGO, "docker-compose.yml": "services:\n  db: {image: 'postgres:16'}\n  cache: {image: 'redis:7'}\n"},
        "django",
    ),
    "a Dockerfile beside an application": (
        {"package.json": EXPRESS, "server.js": SERVER_JS, "Dockerfile": "FROM node:20\nEXPOSE 80\n"},
        "express",
    ),
}


@pytest.mark.parametrize("case", ONE_TYPE)
def test_it_is_not_misled_by(case: str) -> None:
    files, expected = ONE_TYPE[case]

    assert look(files).type == expected


def test_requirements_and_manage_py_may_lie_apart() -> None:
    detection = look(
        {
            "requirements.txt": "django\n",
            **{f"shop/{path}": text for path, text in DJANGO.items() if path != "requirements.txt"},
        }
    )

    assert (detection.type, detection.root, detection.app_object) == ("django", "shop", "config.wsgi:application")
    assert (detection.install_command, detection.install_root) == ("pip install -r requirements.txt", ".")


def test_the_object_in_a_written_server_command_wins() -> None:
    detection = look(
        {
            "Procfile": "web: gunicorn -w 4 site.wsgi:server --bind 0.0.0.0:9001\n",
            "app.py": FLASK_PY,
            "requirements.txt": "flask\n",
        }
    )

    assert (detection.app_object, detection.port) == ("site.wsgi:server", 9001)


def test_an_object_under_another_name_is_found() -> None:
    detection = look({"hello.py": FLASK_PY.replace("app =", "server ="), "requirements.txt": "flask\n"})

    assert detection.app_object == "hello:server"


def test_a_main_that_does_not_exist_starts_nothing() -> None:
    detection = look({"package.json": package("express", main="build/gone.js"), "src/index.js": SERVER_JS})

    assert (detection.type, detection.start_command) == ("express", "node src/index.js")


@pytest.mark.parametrize(
    ("options", "builder", "expected"),
    [
        ({"outputPath": "dist/shop"}, "@angular-devkit/build-angular:browser", "dist/shop"),
        ({"outputPath": "dist/shop"}, "@angular-devkit/build-angular:application", "dist/shop/browser"),
        ({"outputPath": {"base": "www", "browser": ""}}, "@angular/build:application", "www"),
        ({}, "@angular/build:application", "dist/shop/browser"),
        ({"outputPath": "target/classes/static/"}, "@angular-devkit/build-angular:browser", "target/classes/static"),
    ],
)
def test_the_output_of_angular_is_read_not_guessed(options: dict[str, object], builder: str, expected: str) -> None:
    workspace = {"projects": {"shop": {"architect": {"build": {"builder": builder, "options": options}}}}}
    comment = "// made by hand\n"

    detection = look(
        {
            "package.json": package("@angular/core", dev=("@angular/cli",)),
            "angular.json": comment + json.dumps(workspace),
        }
    )

    assert detection.output_dir == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("export default { build: { outDir: 'public' } }", "public"),
        ("export default { outDir: 'public' }", "dist"),
        ("export default { root: 'web', build: { emptyOutDir: true } }", "web/dist"),
        ("export default { build: { outDir: '../backend/static' } }", "../backend/static"),
        ("export default { build: { outDir: join(here, 'x') } }", "dist"),
        (
            "export default { /* build: { outDir: 'no' } */ build: { other: { outDir: 'no' }, outDir: `yes` } }",
            "yes",
        ),
    ],
)
def test_the_output_of_vite_is_what_vite_would_do(config: str, expected: str) -> None:
    detection = look({"package.json": VUE, "index.html": "", "src/main.ts": "", "vite.config.ts": config})

    assert (detection.type, detection.output_dir) == ("vue", expected)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("vitest", "npx vitest run"),
        ("vitest run --coverage", "npm test"),
        ("jest --watch", "CI=true npm test"),
        ("ng test", "npx ng test --watch=false"),
        ('echo "Error: no test specified" && exit 1', None),
        ("prettier --check .", None),
    ],
)
def test_a_test_script_is_made_to_end_or_left_out(script: str, expected: str | None) -> None:
    detection = look(
        {
            "package.json": package("react", dev=("vite",), scripts={"test": script}),
            "index.html": "",
            "src/main.jsx": "",
        }
    )

    assert detection.test_command == expected


def test_a_development_server_never_runs_in_production() -> None:
    detection = look({"package.json": CRA, "public/index.html": ""})

    assert detection.start_command is None


def test_an_application_deep_in_its_package_is_found() -> None:
    files = {
        "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["fastapi"]\n',
        "shop/web/api/main.py": FASTAPI_PY,
    }

    detection = look(files)

    assert (detection.type, detection.app_object) == ("fastapi", "shop.web.api.main:app")


def test_a_package_for_django_is_not_the_project_it_is_tried_in() -> None:
    manage = MANAGE_PY.replace("config.settings", "test_project.settings")
    project = '[project]\nname = "django-glue"\ndependencies = ["django"]\n'

    assert look({"manage.py": manage, "pyproject.toml": project, "glue/__init__.py": ""}).type == "python"


def test_a_server_command_inside_a_shell_is_read() -> None:
    dockerfile = 'FROM python:3.12\nCMD ["sh", "-c", "python -m uvicorn shop.main:server --port 8100"]\n'

    detection = look({"requirements.txt": "fastapi\n", "shop/main.py": FASTAPI_PY, "Dockerfile": dockerfile})

    assert (detection.app_object, detection.port) == ("shop.main:server", 8100)


@pytest.mark.parametrize(
    ("imports", "expected"),
    [("from orders.routes import router\n", "main:app"), ("from api.orders.routes import router\n", "api.main:app")],
)
def test_a_module_is_named_as_its_own_imports_need_it(imports: str, expected: str) -> None:
    detection = look(
        {
            "api/__init__.py": "",
            "api/requirements.txt": "fastapi\n",
            "api/main.py": imports + FASTAPI_PY,
            "api/orders/routes.py": "",
        }
    )

    assert (detection.root, detection.app_object) == ("api", expected)


def test_the_application_in_manage_comes_before_those_of_scripts() -> None:
    factory = "from shop import create_app\n\napp = create_app()\n"

    detection = look(
        {"requirements.txt": "flask\n", "manage.py": factory, "export.py": factory, "shop/__init__.py": ""}
    )

    assert detection.app_object == "manage:app"


def test_the_output_of_webpack_is_read_where_its_paths_are_collected() -> None:
    config = "const paths = { entry: 'src', output: path.resolve(__dirname, 'build') }\n"

    detection = look(
        {
            "package.json": package("react", dev=("webpack",), scripts={"start": "webpack serve"}),
            "public/index.html": "",
            "webpack.config.ts": config,
        }
    )

    assert (detection.type, detection.output_dir) == ("react", "build")
