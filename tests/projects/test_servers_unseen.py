"""A web framework among the dependencies: the application is looked for further down, and missed aloud."""

from __future__ import annotations

import pytest

from service.projects.keyfiles import MAX_KEY_FILES, wanted
from tests.projects.looking import FASTAPI_PY, FLASK_PY, MANAGE_PY, Files, look

STARTED_PY = "import uvicorn\nfrom fastapi import FastAPI\n\n\ndef main():\n    server = FastAPI()\n    run(server)\n"
ROUTES_PY = "from flask import Blueprint\n\npages = Blueprint('pages', __name__)\n"
PROJECT = '[project]\nname = "desk"\ndependencies = ["{}"]\n[build-system]\nrequires = []\n'

FOUND: dict[str, tuple[Files, str]] = {
    "in a module that was not read, which another one runs": (
        {
            "requirements.txt": "fastapi\nuvicorn\naiohttp\n",
            "desk/__init__.py": "",
            "desk/__main__.py": "import uvicorn\n\nfrom desk.routes.base import app\n\nuvicorn.run(app)\n",
            "desk/routes/base.py": FASTAPI_PY,
            **{f"desk/models/part{i}.py": "" for i in range(30)},
        },
        "fastapi",
    ),
    "in a module that another one runs beside a manage.py that is not Django's": (
        {
            "requirements.txt": "flask\n",
            "manage.py": "print('none of that')\n",
            "desk/settings/__init__.py": "",
            "wsgi.py": "from desk import app, socket\n\nif __name__ == '__main__':\n    socket.run(app)\n",
        },
        "flask",
    ),
    "from a script at the top of a project without requirements": (
        {
            "run.py": "from desk import create_app\n\napp = create_app()\n",
            "desk/__init__.py": "from flask import Flask\n\n\ndef create_app():\n    return Flask(__name__)\n",
            **{f"desk/pages/{name}.py": ROUTES_PY for name in ("main", "orders", "accounts")},
            **{f"desk/part{i}.py": "" for i in range(12)},
        },
        "flask",
    ),
    "in the one package, which bears the name of an example": (
        {"pyproject.toml": PROJECT.format("flask"), "js_example/__init__.py": FLASK_PY, "tests/__init__.py": ""},
        "flask",
    ),
    "five packages down": (
        {"pyproject.toml": PROJECT.format("fastapi"), "src/desk/adapters/inbound/http/app.py": FASTAPI_PY},
        "fastapi",
    ),
    "in a module that is called the application": ({"server/application.py": FLASK_PY}, "flask"),
    "in a package that is started by its name": (
        {"pyproject.toml": PROJECT.format("fastapi"), "desk/__init__.py": "", "desk/__main__.py": FASTAPI_PY},
        "fastapi",
    ),
    "among the views": (
        {"pyproject.toml": PROJECT.format("flask"), "desk/__init__.py": "", "desk/views.py": FLASK_PY},
        "flask",
    ),
    "four packages down": (
        {"pyproject.toml": PROJECT.format("fastapi"), "src/desk/adapters/entrypoints/application.py": FASTAPI_PY},
        "fastapi",
    ),
    "in a module that bears its package's name": (
        {
            "requirements.txt": "flask\n",
            **{f"desk/part{i}.py": "" for i in range(30)},
            "desk/orders/orders.py": FLASK_PY,
        },
        "flask",
    ),
    "in a package, not in a module": (
        {"requirements.txt": "flask\n", "desk/web/__init__.py": FLASK_PY, **{f"desk/p{i}.py": "" for i in range(30)}},
        "flask",
    ),
    "inside a function that starts it": (
        {"requirements.txt": "fastapi\nuvicorn\n", "desk/start.py": STARTED_PY},
        "fastapi",
    ),
    "made by a function that only says so": (
        {
            "requirements.txt": "fastapi\n",
            "desk/start.py": "from fastapi import FastAPI\n\n\ndef main() -> FastAPI:\n    return box.app()\n",
        },
        "fastapi",
    ),
    "beside a manage.py that is not Django's": (
        {"requirements.txt": "flask\n", "manage.py": "import click\n", "desk/site/views.py": FLASK_PY},
        "flask",
    ),
}

MISSED: dict[str, tuple[Files, str]] = {
    "a module that imports the framework and makes no application": (
        {"requirements.txt": "flask\n", "desk/pages.py": ROUTES_PY},
        "desk/pages.py imports flask",
    ),
    "an extension of the framework": (
        {"requirements.txt": "flask-login\n", "desk/pages.py": ROUTES_PY},
        "desk/pages.py imports flask",
    ),
    "what the framework is made of, and what asks others, beside it": (
        {"requirements.txt": "fastapi\nstarlette\naiohttp\n", "desk/pages.py": "import fastapi\n"},
        "desk/pages.py imports fastapi",
    ),
    "more modules than are read": (
        {"requirements.txt": "fastapi\n", **{f"desk/a/b/part{i}.py": "" for i in range(80)}},
        "requirements.txt names fastapi",
    ),
}

NONE: dict[str, Files] = {
    "a dependency that nothing imports": {"requirements.txt": "flask\n", "tool.py": "print(1)\n"},
    "a dependency of the tests": {"requirements-dev.txt": "flask\n", "requirements.txt": "rich\n", "t.py": ROUTES_PY},
    "an extra": {
        "pyproject.toml": '[project]\nname = "desk"\n[project.optional-dependencies]\nweb = ["fastapi"]\n',
        "desk/web.py": "from fastapi import APIRouter\n",
    },
    "an extension for others": {
        "pyproject.toml": PROJECT.format("flask").replace('"desk"', '"flask-desk"'),
        "flask_desk/__init__.py": "from flask import current_app\n",
    },
    "a package for others that can start a server": {
        "pyproject.toml": PROJECT.format("fastapi").replace("[build", 'classifiers = ["Topic :: Internet"]\n[build'),
        "desk/start.py": STARTED_PY,
    },
    "a server on another framework": {"requirements.txt": "streamlit\nflask\n", "pages.py": "import flask"},
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_an_application_is_found(case: str) -> None:
    files, expected = FOUND[case]

    assert look(files).type == expected


@pytest.mark.parametrize("case", MISSED)
def test_it_is_unknown_what_serves_by(case: str) -> None:
    files, reason = MISSED[case]

    detection = look(files)

    assert (detection.type, detection.alternatives[0].type) == ("unknown", "python")
    assert reason in detection.alternatives[0].because


@pytest.mark.parametrize("case", NONE)
def test_no_server_is_suspected_behind(case: str) -> None:
    assert look(NONE[case]).type == "python"


def test_an_application_that_no_name_leads_to_has_no_object() -> None:
    detection = look(FOUND["inside a function that starts it"][0])

    assert (detection.app_object, detection.start_command) == (None, None)


def test_what_is_read_last_leaves_room_for_all_that_is_read_first() -> None:
    modules = {f"desk/part{i}.py": "" for i in range(200)}

    paths = wanted({"requirements.txt": "", "compose.yml": "", "main.py": "", **modules})

    assert paths[:3] == ["requirements.txt", "compose.yml", "main.py"]
    assert len(paths) < MAX_KEY_FILES // 2


def test_beside_a_manage_py_of_django_no_further_module_is_read() -> None:
    django = {"manage.py": MANAGE_PY, "config/settings.py": "", "config/urls.py": "", "requirements.txt": "django\n"}

    paths = wanted({**django, **{f"desk/part{i}.py": "" for i in range(9)}})

    assert not [path for path in paths if path.startswith("desk/part")]
