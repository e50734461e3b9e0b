"""Detections as the detector would give them, one for each kind of project."""

from __future__ import annotations

from service import render
from service.configs import Generated, Request, generate
from service.projects.model import Component, Detection, Evidence

TEMPLATES = render.environment()


def facts(*files: str) -> tuple[Evidence, ...]:
    """Evidence that names files."""
    return tuple(Evidence(file, "is there") for file in files)


def javascript(kind: str, **more: object) -> Detection:
    """A project with npm and a lock file."""
    fields: dict[str, object] = {
        "evidence": facts("package.json", "package-lock.json"),
        "language": "javascript",
        "package_manager": "npm",
        "runtime_version": "22",
        "version_source": ".nvmrc",
        "install_command": "npm ci",
        "build_command": "npm run build",
        "test_command": "npm test",
        "lint_command": "npm run lint",
    }
    return Detection(type=kind, confidence=0.95, **(fields | more))  # type: ignore[arg-type]


def python(kind: str, **more: object) -> Detection:
    """A project with a requirements file."""
    fields: dict[str, object] = {
        "evidence": facts("requirements.txt"),
        "language": "python",
        "package_manager": "pip",
        "runtime_version": "3.12",
        "version_source": ".python-version",
        "install_command": "pip install -r requirements.txt",
        "test_command": "pytest",
        "lint_command": "ruff check .",
    }
    return Detection(type=kind, confidence=0.95, **(fields | more))  # type: ignore[arg-type]


FULLSTACK = Detection(
    type="fullstack",
    confidence=0.9,
    components=(
        Component(
            type="react",
            role="frontend",
            root="frontend",
            evidence=facts("frontend/package-lock.json"),
            package_manager="npm",
            install_command="npm ci",
            build_command="npm run build",
            output_dir="dist",
        ),
        Component(
            type="django",
            role="backend",
            root="backend",
            language="python",
            evidence=facts("backend/requirements.txt"),
            package_manager="pip",
            install_command="pip install -r requirements.txt",
            test_command="python manage.py test",
            app_object="shop.wsgi:application",
        ),
    ),
)

PAGES = Component(
    type="nextjs",
    role="frontend",
    root="frontend",
    evidence=facts("frontend/package-lock.json"),
    language="javascript",
    package_manager="npm",
    install_command="npm ci",
    build_command="npm run build",
    output_dir=".next",
)


EXPRESS = Component(
    type="express",
    role="backend",
    root="backend",
    evidence=facts("backend/package-lock.json"),
    language="javascript",
    package_manager="npm",
    install_command="npm ci",
    start_command="node server.js",
    port=4000,
)

GO = Component(
    type="go",
    role="backend",
    root="backend",
    evidence=facts("backend/go.mod"),
    language="go",
    package_manager="go",
    runtime_version="1.23",
    version_source="backend/go.mod",
    build_command="go build ./...",
    test_command="go test ./...",
    lint_command="golangci-lint run",
    services=("postgres",),
)


def together(front: Component, back: Component) -> Detection:
    """A front end with its back end."""
    return Detection(type="fullstack", confidence=0.9, components=(front, back))


PROJECTS: dict[str, Detection] = {
    "react": javascript("react", output_dir="dist"),
    "react-scripts": javascript("react", output_dir="build"),
    "vue": javascript(
        "vue", output_dir="dist", package_manager="pnpm", install_command="pnpm install --frozen-lockfile"
    ),
    "angular": javascript("angular", output_dir="dist/shelf/browser"),
    "static": Detection(type="static", confidence=0.8, evidence=facts("index.html"), output_dir="."),
    "node": javascript("node", start_command="npm start", build_command=None),
    "express": javascript("express", start_command="node server.js", build_command=None),
    "nextjs": javascript("nextjs"),
    "flask": python("flask", app_object="wsgi:app"),
    "fastapi": python("fastapi", app_object="app.main:app", package_manager="uv", install_command="uv sync --frozen"),
    "django": python("django", app_object="shop.wsgi:application", services=("postgres",)),
    "docker": Detection(type="docker", confidence=0.9, evidence=facts("Dockerfile"), port=8080),
    "docker-without-file": python("docker", app_object="app:app"),
    "docker-node": javascript("docker", start_command="node server.js"),
    "fullstack": FULLSTACK,
    "fullstack-pages": together(PAGES, FULLSTACK.components[1]),
    "fullstack-pages-node": together(PAGES, EXPRESS),
    "fullstack-go": together(FULLSTACK.components[0], GO),
}

REQUEST = Request(
    domain="example.com",
    subdomain="app",
    server="203.0.113.10",
    email="admin@example.com",
    env=(("GREETING", "hello"),),
    secrets=("SECRET_KEY",),
)


def made(name: str, request: Request = REQUEST) -> Generated:
    """What is generated for a project of the table."""
    return generate(PROJECTS[name], request, TEMPLATES)
