"""What every generated bitbucket-pipelines.yml holds to, whatever the kind of project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ruamel.yaml import YAML

from service.configs import EnvironmentRequest, Request, document, lint
from tests.configs.projects import PROJECTS, REQUEST, made
from tests.configs.tools import run

TWO_ENVIRONMENTS = Request(
    domain="example.com",
    environments=(
        EnvironmentRequest(name="staging", kind="staging", branch="develop", subdomain="staging"),
        EnvironmentRequest(name="production", branch="main", requires_approval=True),
    ),
)
EVERY = pytest.mark.parametrize("name", PROJECTS)


def steps(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every step with the section that it is in."""
    for section, named in data["pipelines"].items():
        for items in named.values():
            yield from ((section, step) for step in lint.steps_of(items))


def pipelines(name: str, request: Request = REQUEST) -> Any:
    return document.read(made(name, request).pipelines_yml)


@EVERY
def test_01_it_is_one_document_that_both_yamls_read_alike_and_the_schema_accepts(name: str, tmp_path: Path) -> None:
    text = made(name).pipelines_yml
    file = tmp_path / "bitbucket-pipelines.yml"
    file.write_text(text)

    checked = run("check-jsonschema", "--builtin-schema", "vendor.bitbucket-pipelines", str(file))

    assert checked.returncode == 0, checked.stdout
    assert YAML(typ="safe").load(text) == yaml.safe_load(text) == document.read(text)
    assert "\t" not in text
    assert len(list(yaml.safe_load_all(text))) == 1


@EVERY
def test_02_every_key_is_one_of_the_schema_and_every_step_has_a_script(name: str) -> None:
    data = pipelines(name)

    assert set(data) <= lint.KEYS["file"]
    for _, step in steps(data):
        assert set(step) <= lint.KEYS["step"]
        assert step["script"]


@EVERY
def test_03_every_cache_and_service_is_defined_and_npm_ci_does_not_use_the_node_cache(name: str) -> None:
    data = pipelines(name)

    for _, step in steps(data):
        assert set(step.get("caches", [])) <= set(data["definitions"].get("caches", {}))
        assert set(step.get("services", [])) <= set(data["definitions"].get("services", {}))
        assert not ("node" in step.get("caches", []) and "npm ci" in step["script"])


def test_03_a_keyed_cache_names_files_that_the_repository_has() -> None:
    for name, detection in PROJECTS.items():
        seen = {entry.file for part in (detection, *detection.components) for entry in part.evidence}
        if "pnpm" in str(detection.package_manager) or "uv" in str(detection.package_manager):
            seen |= {"pnpm-lock.yaml", "uv.lock"}
        for cache in pipelines(name)["definitions"].get("caches", {}).values():
            assert isinstance(cache, str) or set(cache["key"]["files"]) <= seen


@EVERY
def test_04_no_file_holds_the_value_of_a_variable(name: str) -> None:
    request = Request(domain="example.com", env=(("TOKEN", "canary-4f1b9c-value"),), secrets=("API_KEY",))

    for path, text in made(name, request).files:
        assert "canary-4f1b9c" not in text, path
        assert "-----BEGIN" not in text, path
        assert not re.search(r"[A-Za-z0-9+/]{100,}={0,2}", text.replace("/", " ")), path


@EVERY
def test_04_a_secret_goes_over_standard_input_and_is_never_printed(name: str) -> None:
    for _, step in steps(pipelines(name)):
        for line in "\n".join(step["script"]).splitlines():
            if re.search(r"\b(ssh|curl|docker login)\b", line) and not line.strip().startswith(("#", ":")):
                before_pipe = line.split("|")[0]
                assert "PASSWORD" not in line.replace(before_pipe, "") or "--password-stdin" in line
                assert "$SSH_PRIVATE_KEY" not in line
            assert not re.match(r"\s*(set -[a-z]*x|echo .*\$(SSH_PRIVATE_KEY|REGISTRY_PASSWORD|SECRET_KEY))", line)


@EVERY
def test_05_every_variable_is_built_in_or_documented_and_the_servers_only_in_deployments(name: str) -> None:
    generated = made(name)
    known = frozenset(variable.name for variable in generated.variables)

    assert list(lint.findings(document.read(generated.pipelines_yml), known)) == []
    secured = {variable.name for variable in generated.variables if variable.secured}
    assert {"SSH_PRIVATE_KEY", "SECRET_KEY"} <= secured


@EVERY
def test_06_images_are_pinned_to_the_stated_version_and_nothing_is_templated_by_bitbucket(name: str) -> None:
    data = pipelines(name)

    assert "${{" not in made(name).pipelines_yml
    for image in {data["image"], *(step["image"] for _, step in steps(data))}:
        assert re.fullmatch(r"[a-z/-]+:[0-9][0-9a-z.-]*", image)
        assert "alpine" not in image


def test_06_angular_22_is_not_built_with_node_20() -> None:
    from service.configs import generate
    from service.projects.model import Evidence
    from tests.configs.projects import TEMPLATES, javascript

    evidence = (Evidence("package.json", "dependencies.@angular/core ^22.1.0"),)
    detection = javascript("angular", runtime_version="20", evidence=evidence, output_dir="dist/a/browser")

    assert document.read(generate(detection, REQUEST, TEMPLATES).pipelines_yml)["image"] == "node:22-bookworm"


@EVERY
def test_07_shellcheck_finds_nothing_in_steps_and_heredocs(name: str) -> None:
    scripts = {"\n".join(step["script"]) for _, step in steps(pipelines(name))}
    heredocs = {found for script in scripts for found in re.findall(r"<<'REMOTE'\n(.*?)\nREMOTE", script, re.DOTALL)}

    assert heredocs
    for text in sorted(scripts | heredocs):
        # SC2154: variables of Bitbucket and of `env` on the server are assigned where shellcheck does not look.
        checked = run("shellcheck", "--severity=warning", "--exclude=SC2154", "-", text="#!/bin/bash\nset -e\n" + text)
        assert checked.returncode == 0, checked.stdout


@EVERY
def test_08_an_item_is_one_command(name: str) -> None:
    for _, step in steps(pipelines(name)):
        for item in step["script"]:
            if "\n" not in item:
                assert not re.search(r"&&|\|\|", re.sub(r"'[^']*'", "", item)), item


@EVERY
def test_09_deploying_comes_last_and_pull_requests_neither_deploy_nor_see_the_server(name: str) -> None:
    data = pipelines(name)

    for items in data["pipelines"]["branches"].values():
        names = [step["name"] for step in lint.steps_of(items)]
        assert names[0].startswith("Build")
        assert names[-1].startswith("Deploy to")
    for section, step in steps(data):
        if section == "pull-requests":
            assert "deployment" not in step
            assert not re.search(r"SSH_|DEPLOY_PATH|REGISTRY_PASSWORD", "\n".join(step["script"]))


@pytest.mark.parametrize("request_", [REQUEST, TWO_ENVIRONMENTS])
@EVERY
def test_10_a_deployment_is_bounded_unconditional_and_goes_to_an_environment_once(name: str, request_: Request) -> None:
    data = pipelines(name, request_)

    for named in data["pipelines"].values():
        for items in named.values():
            found = lint.steps_of(items)
            targets = [step["deployment"] for step in found if "deployment" in step]
            assert len(set(targets)) == len(targets)
            assert found[0].get("trigger") != "manual"
            for step in found:
                if "deployment" in step:
                    assert step["max-time"] <= 20
                    assert "condition" not in step


@EVERY
def test_11_artifacts_are_tarballs_that_only_deployments_download(name: str) -> None:
    for _, step in steps(pipelines(name)):
        artifacts = step.get("artifacts", {"download": True})
        assert artifacts.get("download", True) is ("deployment" in step)
        assert all(path.endswith(".tar.gz") for path in artifacts.get("paths", []))


@pytest.mark.parametrize("request_", [REQUEST, TWO_ENVIRONMENTS])
@EVERY
def test_12_rolling_back_runs_the_very_lines_that_deploy(name: str, request_: Request) -> None:
    generated = made(name, request_)
    data = document.read(generated.pipelines_yml)
    deployed = {
        step["deployment"]: step["script"][-1]
        for items in data["pipelines"]["branches"].values()
        for step in lint.steps_of(items)
        if "deployment" in step
    }

    assert generated.pipelines_yml.count("&activate") == 1
    for environment, pipeline in generated.rollback_pipelines:
        variables, step = data["pipelines"]["custom"][pipeline]
        assert variables["variables"][0]["name"] == "RELEASE"
        assert variables["variables"][0]["default"] == "previous"
        assert step["step"]["deployment"] == environment
        assert step["step"]["script"][-1] == deployed[environment]


@EVERY
def test_13_the_same_input_gives_the_same_bytes(name: str) -> None:
    assert made(name) == made(name)


def test_13_how_long_the_analysis_took_changes_nothing() -> None:
    import msgspec

    from service.configs import generate
    from tests.configs.projects import TEMPLATES

    slow = msgspec.structs.replace(PROJECTS["react"], analysis_ms=12.5)

    assert generate(slow, REQUEST, TEMPLATES).files == made("react").files
