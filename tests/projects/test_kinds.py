"""Each kind of project in its plainest form, with the facts that generation lives on."""

from __future__ import annotations

import pytest

from service.projects.kinds import KINDS
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

PAGE = "<!doctype html>"

# name of the case: (files, expected facts)
PLAIN: dict[str, tuple[Files, dict[str, object]]] = {
    "react with Vite": (
        {"package.json": REACT, "package-lock.json": "{}", "index.html": PAGE, "src/main.tsx": ""},
        {
            "type": "react",
            "output_dir": "dist",
            "install_command": "npm ci",
            "build_command": "npm run build",
            "port": None,
        },
    ),
    "react with Create React App": (
        {
            "package.json": package(
                "react",
                "react-scripts",
                scripts={"start": "react-scripts start", "build": "react-scripts build", "test": "react-scripts test"},
            ),
            "yarn.lock": "# yarn lockfile v1\n",
            "public/index.html": PAGE,
        },
        {
            "type": "react",
            "output_dir": "build",
            "install_command": "yarn install --frozen-lockfile",
            "test_command": "CI=true yarn test --watchAll=false",
            "start_command": None,
        },
    ),
    "vue with Vite": (
        {"package.json": VUE, "pnpm-lock.yaml": "lockfileVersion: '9.0'\n", "index.html": PAGE, "src/main.ts": ""},
        {
            "type": "vue",
            "output_dir": "dist",
            "package_manager": "pnpm",
            "install_command": "pnpm install --frozen-lockfile",
        },
    ),
    "vue with Vue CLI": (
        {
            "package.json": package("vue", dev=("@vue/cli-service",), scripts={"build": "vue-cli-service build"}),
            "vue.config.js": "module.exports = { outputDir: 'public_html' }",
            "public/index.html": PAGE,
        },
        {"type": "vue", "output_dir": "public_html", "install_command": "npm install"},
    ),
    "angular": (
        {
            "package.json": package("@angular/core", dev=("@angular/cli", "@angular/build")),
            "angular.json": ANGULAR_JSON,
        },
        {
            "type": "angular",
            "output_dir": "dist/shop/browser",
            "language": "javascript",
            "build_command": "npx ng build",
        },
    ),
    "svelte": (
        {"package.json": package(dev=("svelte", "vite")), "index.html": PAGE, "src/main.js": ""},
        {"type": "svelte", "output_dir": "dist"},
    ),
    "nextjs on a server": (
        {
            "package.json": package("next", "react", scripts={"build": "next build", "start": "next start"}),
            "next.config.js": "module.exports = {\n  // output: 'export',\n}",
            "bun.lock": "",
        },
        {
            "type": "nextjs",
            "start_command": "bun run start",
            "port": 3000,
            "install_command": "bun install --frozen-lockfile",
        },
    ),
    "nextjs as files": (
        {"package.json": package("next", "react"), "next.config.mjs": "export default { output: 'export' }"},
        {"type": "nextjs", "output_dir": "out", "start_command": None, "port": None},
    ),
    "nuxt": (
        {"package.json": package("nuxt@^3.9.0", scripts={"build": "nuxt build"}), "nuxt.config.ts": ""},
        {"type": "nuxt", "output_dir": ".output", "start_command": "node .output/server/index.mjs"},
    ),
    "sveltekit as files": (
        {
            "package.json": package(dev=("@sveltejs/kit", "svelte", "vite")),
            "svelte.config.js": "import adapter from '@sveltejs/adapter-static'",
            "src/routes/+page.svelte": "",
        },
        {"type": "sveltekit", "output_dir": "build", "start_command": None},
    ),
    "astro": (
        {"package.json": package("astro"), "astro.config.mjs": "export default { outDir: './site' }"},
        {"type": "astro", "output_dir": "site"},
    ),
    "gatsby": ({"package.json": package("gatsby", "react")}, {"type": "gatsby", "output_dir": "public"}),
    "remix": (
        {"package.json": package("@remix-run/node", "@remix-run/react", dev=("@remix-run/dev",)), "app/root.tsx": ""},
        {"type": "remix", "output_dir": "build", "port": 3000},
    ),
    "nestjs": (
        {
            "package.json": package(
                "@nestjs/core", "@nestjs/platform-express", scripts={"build": "nest build", "start": "nest start"}
            ),
            "nest-cli.json": "{}",
            "src/main.ts": "await app.listen(process.env.PORT ?? 4100)",
        },
        {"type": "nestjs", "start_command": "node dist/main", "port": 4100, "output_dir": "dist"},
    ),
    "express": (
        {"package.json": EXPRESS, "server.js": SERVER_JS},
        {"type": "express", "start_command": "npm start", "port": 5001},
    ),
    "node on another framework": (
        {"package.json": package("fastify", scripts={"start": "node index.js"}), "index.js": "require('fastify')"},
        {"type": "node", "framework": "fastify", "start_command": "npm start"},
    ),
    "node as a package": (
        {"package.json": package(exports="./index.js", scripts={"test": "node --test"}), "index.js": ""},
        {"type": "node", "test_command": "npm test", "start_command": None},
    ),
    "django": (
        {
            "manage.py": MANAGE_PY,
            "config/settings.py": "WSGI_APPLICATION = 'config.wsgi.application'\n",
            "config/wsgi.py": WSGI_PY,
            "requirements.txt": "Django==5.1\npsycopg[binary]>=3 ; python_version > '3.8'\n",
            ".python-version": "# ours\n3.12.4\n",
        },
        {
            "type": "django",
            "app_object": "config.wsgi:application",
            "start_command": "gunicorn config.wsgi:application",
            "runtime_version": "3.12",
            "version_source": ".python-version",
            "services": ("postgres",),
            "test_command": "python manage.py test",
            "port": 8000,
        },
    ),
    "flask": (
        {"app.py": FLASK_PY, "requirements.txt": "flask\ngunicorn\n"},
        {"type": "flask", "app_object": "app:app", "port": 5000, "install_command": "pip install -r requirements.txt"},
    ),
    "fastapi": (
        {
            "app/main.py": FASTAPI_PY,
            "app/__init__.py": "",
            "pyproject.toml": '[project]\nrequires-python = ">=3.11,<3.12"\ndependencies = ["fastapi"]\n',
            "uv.lock": "",
        },
        {
            "type": "fastapi",
            "app_object": "app.main:app",
            "package_manager": "uv",
            "runtime_version": "3.11",
            "start_command": "uv run uvicorn app.main:app --host 0.0.0.0 --port 8000",
        },
    ),
    "python": (
        {"pyproject.toml": '[build-system]\nrequires = []\n[project]\nname = "shop"\n', "src/shop/__init__.py": ""},
        {"type": "python", "package_manager": "pip", "app_object": None},
    ),
    "go": (
        {"go.mod": "module example.com/shop\n\ngo 1.23.1\n\nrequire github.com/gin-gonic/gin v1.10.0\n", "main.go": ""},
        {"type": "go", "framework": "gin", "runtime_version": "1.23", "version_source": "go.mod"},
    ),
    "rust": (
        {
            "Cargo.toml": '[package]\nname = "shop"\nrust-version = "1.80"\n[dependencies]\naxum = "0.7"\n',
            "src/main.rs": "",
            "Cargo.lock": "",
        },
        {
            "type": "rust",
            "framework": "axum",
            "runtime_version": "1.80",
            "build_command": "cargo build --release --locked",
        },
    ),
    "java with Maven": (
        {
            "pom.xml": '<project xmlns="http://maven.apache.org/POM/4.0.0"><parent><groupId>org.springframework.boot</groupId></parent><properties><java.version>21</java.version></properties></project>',
            "mvnw": "",
            "build.gradle": "",
            "src/main/java/Shop.java": "",
        },
        {"type": "java", "package_manager": "maven", "framework": "spring-boot", "runtime_version": "21", "port": 8080},
    ),
    "java with Gradle": (
        {"build.gradle.kts": "kotlin { jvmToolchain(17) } // 21\n", "gradlew": "", "src/main/kotlin/Shop.kt": ""},
        {"type": "java", "package_manager": "gradle", "runtime_version": "17", "test_command": "./gradlew check"},
    ),
    "php": (
        {"composer.json": '{"require": {"php": "^8.2", "symfony/framework-bundle": "7.*"}}', "public/index.php": ""},
        {"type": "php", "framework": "symfony", "runtime_version": "8.2", "output_dir": "public"},
    ),
    "laravel with assets": (
        {
            "composer.json": '{"require": {"php": "^8.3", "laravel/framework": "^11"}}',
            "artisan": "",
            "bootstrap/app.php": "",
            "public/index.php": "",
            "package.json": package(dev=("vite", "laravel-vite-plugin", "vue"), scripts={"build": "vite build"}),
            "vite.config.js": "",
        },
        {"type": "laravel", "build_command": "npm run build", "package_manager": "composer"},
    ),
    "rails": (
        {
            "Gemfile": "ruby '3.3.0'\ngem 'rails', '~> 7'\n",
            "config/application.rb": "",
            "bin/rails": "",
            "config.ru": "",
            "package.json": package("react"),
        },
        {"type": "rails", "runtime_version": "3.3", "port": 3000},
    ),
    "ruby": ({"Gemfile": "gem 'sinatra'\n", "app.rb": "", "config.ru": ""}, {"type": "ruby", "framework": "sinatra"}),
    "dotnet": (
        {
            "Shop.sln": "",
            "src/Web/Web.csproj": (
                '<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup>'
                "<TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>"
            ),
            "src/Web/Program.cs": "",
        },
        {"type": "dotnet", "framework": "aspnet", "runtime_version": "8.0"},
    ),
    "deno": (
        {"deno.json": '{"tasks": {"start": "deno run main.ts"}} // ours', "main.ts": ""},
        {"type": "deno", "start_command": "deno task start"},
    ),
    "elixir": (
        {"mix.exs": 'defp deps do [{:phoenix, "~> 1.7"}] end'},
        {"type": "elixir", "framework": "phoenix", "port": 4000},
    ),
    "static pages": (
        {"index.html": PAGE, "style.css": ""},
        {"type": "static", "output_dir": ".", "package_manager": None},
    ),
    "static by Hugo": (
        {"hugo.toml": "baseURL = 'https://example.com/'\n", "content/_index.md": ""},
        {"type": "static", "framework": "hugo", "output_dir": "public"},
    ),
    "docker": (
        {"Dockerfile": "FROM alpine:3.20\nARG PORT=8081\nEXPOSE ${PORT}/tcp\n", "root/run.sh": ""},
        {"type": "docker", "build_command": "docker build .", "port": 8081},
    ),
    "docker with compose only": (
        {"docker-compose.yml": "services:\n  search: {image: 'elasticsearch:8'}\n  board: {image: 'kibana:8'}\n"},
        {"type": "docker", "start_command": "docker compose up -d", "services": ("elasticsearch",)},
    ),
    "nothing known": ({"README.md": "", "notes.txt": ""}, {"type": "unknown", "confidence": 0.0}),
}


@pytest.mark.parametrize("case", PLAIN)
def test_a_plain_project_is_what_it_is(case: str) -> None:
    files, expected = PLAIN[case]

    detection = look(files)

    assert {field: getattr(detection, field) for field in expected} == expected


@pytest.mark.parametrize("case", [case for case in PLAIN if case != "nothing known"])
def test_every_answer_names_a_file_that_speaks_for_it(case: str) -> None:
    files, _ = PLAIN[case]

    detection = look(files)

    assert detection.evidence
    assert all(evidence.file in files and evidence.fact for evidence in detection.evidence)
    assert detection.confidence >= 0.5
    assert detection.warnings == ()


def test_every_registered_kind_has_a_plain_case() -> None:
    covered = {expected["type"] for _, expected in PLAIN.values()}

    assert {kind.type for kind in KINDS} <= covered


def test_a_kind_is_registered_once() -> None:
    types = [kind.type for kind in KINDS]

    assert len(types) == len(set(types))
