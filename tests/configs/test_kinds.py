"""What each kind of project decides, where kinds differ."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from service.configs import EnvironmentRequest, InvalidValue, Request, document, generate
from service.configs.nginx.reading import read
from service.projects.model import Alternative, Component, Detection
from tests.configs.projects import FULLSTACK, PROJECTS, REQUEST, TEMPLATES, facts, javascript, made, python


def build_script(detection: Detection) -> list[str]:
    """The items of the first step."""
    data: dict[str, Any] = document.read(generate(detection, REQUEST, TEMPLATES).pipelines_yml)
    script: list[str] = data["pipelines"]["branches"]["main"][0]["step"]["script"]
    return script


@pytest.mark.parametrize(
    ("manager", "install", "items"),
    [
        ("npm", "npm ci", ["npm ci"]),
        ("pnpm", "pnpm install --frozen-lockfile", ["corepack enable", "pnpm install --frozen-lockfile"]),
        ("yarn", "yarn install --immutable", ["corepack enable", "yarn install --immutable"]),
        ("npm", "npm install", ["npm install"]),
    ],
)
def test_the_lock_file_decides_what_installs(manager: str, install: str, items: list[str]) -> None:
    detection = javascript("react", output_dir="dist", package_manager=manager, install_command=install)

    assert build_script(detection)[: len(items)] == items


def test_without_a_lock_file_the_cache_has_no_key_and_that_is_said() -> None:
    generated = generate(javascript("react", install_command="npm install"), REQUEST, TEMPLATES)

    assert document.read(generated.pipelines_yml)["definitions"]["caches"] == {"npm": "~/.npm"}
    assert "lock_file" in {decision.name for decision in generated.decisions}


@pytest.mark.parametrize(
    ("manager", "export"),
    [
        ("uv", "uv export"),
        ("poetry", "poetry export"),
        ("pdm", "pdm export"),
        ("pipenv", "pipenv requirements"),
    ],
)
def test_a_locked_python_project_is_exported_before_its_wheels_are_made(manager: str, export: str) -> None:
    script = build_script(python("flask", package_manager=manager, install_command=None))

    exported = next(index for index, item in enumerate(script) if item.startswith(export))
    assert exported < next(index for index, item in enumerate(script) if " pip wheel " in item)


def test_requirements_are_named_where_they_lie() -> None:
    script = build_script(python("flask", install_command="pip install -r requirements/prod.txt"))

    assert script[0] == "printf '%s\\n' '-r requirements/prod.txt' > requirements.release.txt"


def test_a_part_below_the_top_is_entered_before_anything_else() -> None:
    assert build_script(python("flask", root="services/shop"))[0] == "cd services/shop"
    assert build_script(javascript("react", root="web", output_dir="dist"))[0] == "cd web"


def test_django_migrates_and_collects_before_the_switch() -> None:
    data = document.read(made("django").pipelines_yml)
    deploy = data["pipelines"]["branches"]["main"][-1]["step"]["script"]
    install = next(item for item in deploy if "manage.py migrate" in item)

    assert install.index("migrate --noinput") < install.index("collectstatic")
    assert deploy.index(install) == len(deploy) - 2
    tests = data["pipelines"]["branches"]["main"][1]["parallel"]["steps"][1]["step"]
    assert "python3 manage.py makemigrations --check --dry-run" in tests["script"]
    assert tests["services"] == ["postgres"]


@pytest.mark.parametrize(
    ("start", "mode"),
    [("node server.js", '"exec_mode": "cluster"'), ("npm start", '"exec_mode": "fork"'), (None, '"exec_mode": "fork"')],
)
def test_only_a_file_that_node_runs_is_a_cluster(start: str | None, mode: str) -> None:
    files = dict(generate(javascript("express", start_command=start), REQUEST, TEMPLATES).files)

    assert mode in files["pm2/ecosystem.config.cjs"]


def test_an_exported_next_site_is_files() -> None:
    generated = generate(javascript("nextjs", output_dir="out"), REQUEST, TEMPLATES)

    assert "try_files $uri $uri/ $uri.html =404;" in generated.nginx_config
    assert "upstream" not in generated.nginx_config


def test_a_fullstack_release_is_one_tarball_of_both_parts() -> None:
    data = document.read(made("fullstack").pipelines_yml)
    builds, deploy = data["pipelines"]["branches"]["main"][0], data["pipelines"]["branches"]["main"][-1]

    names = [step["step"]["name"] for step in builds["parallel"]["steps"]]
    assert names == ["Build frontend", "Build backend"]
    assert "tar -czf release.tar.gz -C release ." in deploy["step"]["script"]


def test_pages_that_a_program_renders_are_a_second_program_of_the_same_release() -> None:
    generated = made("fullstack-pages")
    files = dict(generated.files)

    upstreams = [entry for entry in read(generated.nginx_config) if entry.name == "upstream"]
    assert [entry.args[0] for entry in upstreams] == ["app_example_com_app", "app_example_com_pages"]
    servers = [inner.args for one in upstreams for inner in one.block or () if inner.name == "server"]
    assert len(servers) == 4
    assert all("max_fails=0" in args for args in servers)  # one without an answer is asked again the next time
    by_location = {
        entry.args[-1]: next((one.args[0] for one in entry.block or () if one.name == "proxy_pass"), None)
        for server in read(generated.nginx_config)
        for entry in server.block or ()
        if entry.name == "location" and ("443", "ssl", "http2") in [one.args for one in server.block or ()]
    }
    assert by_location["/"] == "http://app_example_com_pages"
    assert by_location["/api/"] == by_location["/admin/"] == "http://app_example_com_app"
    assert "'-pages'" in files["pm2/pages.config.cjs"]
    assert "systemd/app-example-com.service" in files
    decided = {decision.name: decision.value for decision in generated.decisions}
    assert decided["frontend_backend_url"] == "BACKEND_URL"
    assert decided["frontend_bundle"] == "standalone"


@pytest.mark.parametrize("port", [1, 80, 3000, 28080, 51535, 51536, 55535, 55536, 65535])
def test_every_program_of_a_release_has_a_port_of_its_own(port: int) -> None:
    explained = made("fullstack-pages", Request(domain="example.com", port=port)).nginx_config

    ports = [int(found) for found in re.findall(r"127\.0\.0\.1:(\d+)(?: max| backup|;\n    server_name)", explained)]
    assert len(ports) == len(set(ports)) == 6
    assert all(0 < one <= 65535 for one in ports)


def test_a_backend_in_go_is_one_program_without_a_container() -> None:
    generated = made("fullstack-go")
    data = document.read(generated.pipelines_yml)

    build = data["pipelines"]["branches"]["main"][0]["parallel"]["steps"][1]["step"]
    assert build["image"] == "golang:1.23-bookworm"
    assert "CGO_ENABLED=0 go build -trimpath -o /tmp/programs/ ./..." in build["script"]
    checks = [step["step"] for step in data["pipelines"]["branches"]["main"][1]["parallel"]["steps"]]
    assert [(step["name"], step["script"][-1]) for step in checks] == [
        ("Lint backend", "go vet ./..."),
        ("Test backend", "go test ./..."),
    ]
    assert checks[1]["services"] == ["postgres"]
    assert "exec ./server" in generated.pipelines_yml


@pytest.mark.parametrize(
    ("components", "words"),
    [
        ((), "needs a frontend"),
        (FULLSTACK.components[:1], "needs a backend"),
        (
            (FULLSTACK.components[0], Component(type="java", role="backend", root="server")),
            "the backend in server is java",
        ),
        (
            (Component(type="laravel", role="frontend", root="web"), FULLSTACK.components[1]),
            "the frontend in web is laravel",
        ),
    ],
)
def test_a_pair_that_cannot_be_deployed_as_one_is_refused_with_what_can_be_done(
    components: tuple[Component, ...], words: str
) -> None:
    with pytest.raises(InvalidValue) as refused:
        generate(msgspec.structs.replace(FULLSTACK, components=components), REQUEST, TEMPLATES)

    assert refused.value.field == "project_type"
    assert words in refused.value.message
    assert "type" in refused.value.message


def test_a_language_without_a_dockerfile_of_ours_needs_one_of_its_own() -> None:
    with pytest.raises(InvalidValue, match="Dockerfile"):
        generate(
            Detection(type="rust", confidence=1, language="rust", evidence=facts("Cargo.toml")), REQUEST, TEMPLATES
        )

    with_file = Detection(type="rust", confidence=1, language="rust", evidence=facts("Cargo.toml", "Dockerfile"))
    assert generate(with_file, REQUEST, TEMPLATES).project_type == "rust"


@pytest.mark.parametrize(
    ("build", "words"), [(None, "nothing to build"), ("docker compose build", "the Dockerfile at the top")]
)
def test_a_compose_file_alone_is_refused_with_what_can_be_done(build: str | None, words: str) -> None:
    composed = Detection(type="docker", confidence=0.75, evidence=facts("compose.yaml"), build_command=build)

    with pytest.raises(InvalidValue) as refused:
        generate(composed, REQUEST, TEMPLATES)

    assert refused.value.field == "project_type"
    assert words in refused.value.message
    assert "add" in refused.value.message


@pytest.mark.parametrize(
    ("because", "is_written"), [("compose.yaml says services web", True), ("Dockerfile says FROM node:22", False)]
)
def test_a_dockerfile_is_written_where_only_a_compose_file_is_there(because: str, is_written: bool) -> None:
    passed_over = (Alternative("docker", 0.75, because),)
    project = javascript("docker", start_command="node server.js", alternatives=passed_over)

    assert ("Dockerfile" in dict(generate(project, REQUEST, TEMPLATES).files)) is is_written


@pytest.mark.parametrize(
    "kind", ["react", "vue", "angular", "express", "nextjs", "django", "flask", "fastapi", "docker"]
)
def test_a_kind_alone_is_enough(kind: str) -> None:
    generated = generate(Detection(type=kind, confidence=1.0), Request(), TEMPLATES)

    assert generated.project_type == kind


def test_plain_http_has_no_certificate_and_no_strict_transport() -> None:
    generated = made("react", Request(domain="example.com", ssl_enabled=False))

    assert generated.certbot_command is None
    assert "Strict-Transport-Security" not in generated.nginx_config
    assert "listen 443" not in generated.nginx_config
    assert "certbot certonly" not in dict(generated.files)["certbot.sh"]


def test_environments_under_one_name_keep_their_releases_apart() -> None:
    environments = (
        EnvironmentRequest(name="production", branch="main"),
        EnvironmentRequest(name="staging", kind="staging", branch="develop", port=9000),
    )

    generated = made("express", Request(domain="example.com", environments=environments))

    assert 'DEPLOY_PATH:-/srv/example-com}"' in generated.pipelines_yml
    assert 'DEPLOY_PATH:-/srv/example-com-staging}"' in generated.pipelines_yml
    assert "127.0.0.1:3000" in generated.nginx_config
    assert generated.rollback_pipelines == (("production", "rollback"), ("staging", "rollback-staging"))


@pytest.mark.parametrize("name", PROJECTS)
def test_a_decision_is_made_once_with_a_reason_and_a_way_to_change_it(name: str) -> None:
    decisions = made(name).decisions

    assert len({decision.name for decision in decisions}) == len(decisions)
    assert all(decision.value and decision.why and decision.override for decision in decisions)
