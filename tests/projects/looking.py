"""A repository written down as a dict, looked at as the product looks at one: list, choose key files, detect."""

from __future__ import annotations

import json
from collections.abc import Mapping

from service.projects.detector import detect
from service.projects.keyfiles import read_limit, wanted
from service.projects.model import Detection

Files = Mapping[str, str | bytes]


def look(files: Files) -> Detection:
    """Detect with the contents of the wanted files only."""
    contents = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    return detect(contents, {path: contents[path][: read_limit(path)] for path in wanted(contents)})


def look_for(files: Files, type: str) -> tuple[str, str]:
    """The answer's type, and what is said of the other that it could have been."""
    detection = look(files)
    return detection.type, next(other.because for other in detection.alternatives if other.type == type)


def under(folder: str, files: Files) -> Files:
    """The same files, in a directory."""
    return {f"{folder}/{path}": text for path, text in files.items()}


def package(
    *dependencies: str,
    dev: tuple[str, ...] = (),
    scripts: Mapping[str, str] | None = None,
    **more: object,
) -> str:
    """A package.json with these dependencies (`name` or `name@version`), scripts and further fields."""
    return json.dumps(
        {
            "name": "shop",
            "dependencies": _versions(dependencies),
            "devDependencies": _versions(dev),
            "scripts": dict(scripts or {}),
            **more,
        }
    )


def _versions(names: tuple[str, ...]) -> dict[str, str]:
    pairs = ((name.rpartition("@") if name.rfind("@") > 0 else (name, "", "1.0.0")) for name in names)
    return {name: version for name, _, version in pairs}


REACT = package(
    "react", "react-dom", dev=("vite", "@vitejs/plugin-react"), scripts={"dev": "vite", "build": "vite build"}
)
VUE = package("vue", dev=("vite", "@vitejs/plugin-vue"), scripts={"dev": "vite", "build": "vite build"})
EXPRESS = package("express", scripts={"start": "node server.js"}, main="server.js")
SERVER_JS = "const express = require('express')\nconst app = express()\napp.listen(process.env.PORT || 5001)\n"
MANAGE_PY = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")\n'
WSGI_PY = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")\napplication = object()\n'
FLASK_PY = "from flask import Flask\n\napp = Flask(__name__)\n"
FASTAPI_PY = "from fastapi import FastAPI\n\napp = FastAPI()\n"
ANGULAR_JSON = json.dumps(
    {
        "projects": {
            "shop": {
                "projectType": "application",
                "architect": {
                    "build": {"builder": "@angular/build:application", "options": {"outputPath": "dist/shop"}}
                },
            }
        }
    }
)
