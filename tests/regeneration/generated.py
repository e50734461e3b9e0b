"""Generated files of every kind of project, as they are before and after something in the repository changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from service import render
from service.configs import Generated, Request, generate
from service.projects.detector import detect

SAMPLES = Path(__file__).parent.parent / "samples"
TEMPLATES = render.environment()

# One that only its image tells the kind of; the samples are those that run in the tests of deployments.
IMAGE = {
    "Dockerfile": b'FROM debian:12-slim\nCOPY till /till\nEXPOSE 8080\nCMD ["/till"]\n',
    "till": b"#!/bin/sh\nexec busybox httpd -f -p 8080\n",
}
FOUND = (path.name for path in SAMPLES.iterdir() if path.is_dir() and not path.name.startswith("_"))
KINDS = tuple(sorted((*FOUND, "docker")))


def files_of(kind: str) -> dict[str, bytes]:
    if kind == "docker":
        return dict(IMAGE)
    root = SAMPLES / kind
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def generated(files: dict[str, bytes], **settings: Any) -> Generated:
    request = Request(**{"domain": "shop.example.com", "server": "203.0.113.5", **settings})
    return generate(detect(files, files), request, TEMPLATES)


def pipelines_file(kind: str, **settings: Any) -> str:
    return generated(files_of(kind), **settings).pipelines_yml
