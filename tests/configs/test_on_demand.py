"""The file of one run that rolls an environment back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.configs import (
    EnvironmentRequest,
    InvalidValue,
    OnDemandPipeline,
    Request,
    document,
    generate,
    lint,
    rollback_pipeline,
)
from tests.configs.projects import PROJECTS, TEMPLATES
from tests.configs.tools import run

REQUEST = Request(
    domain="example.com",
    secrets=("SECRET_KEY",),
    environments=(
        EnvironmentRequest(name="staging", kind="staging", branch="develop"),
        EnvironmentRequest(name="production", requires_approval=True),
    ),
)
METHODS = pytest.mark.parametrize("method", ["rebuild", "relink"])
EVERY = pytest.mark.parametrize("name", PROJECTS)


def made(name: str, method: Any = "rebuild", environment: str = "production") -> OnDemandPipeline:
    return rollback_pipeline(PROJECTS[name], REQUEST, TEMPLATES, environment=environment, method=method)


def steps(pipeline: OnDemandPipeline) -> list[Any]:
    return lint.steps_of(document.read(pipeline.yaml)["pipelines"]["custom"][pipeline.custom])


@METHODS
@EVERY
def test_it_is_a_file_of_one_custom_pipeline_that_the_schema_accepts(name: str, method: str, tmp_path: Path) -> None:
    pipeline = made(name, method)
    file = tmp_path / "bitbucket-pipelines.yml"
    file.write_text(pipeline.yaml)

    checked = run("check-jsonschema", "--builtin-schema", "vendor.bitbucket-pipelines", str(file))

    assert checked.returncode == 0, checked.stdout
    pipelines = document.read(pipeline.yaml)["pipelines"]
    assert list(pipelines) == ["custom"]
    assert list(pipelines["custom"]) == [pipeline.custom]
    assert made(name, method) == pipeline


@EVERY
def test_a_rebuild_builds_as_ever_and_deploys_without_tests_or_approval(name: str) -> None:
    generated = document.read(generate(PROJECTS[name], REQUEST, TEMPLATES).pipelines_yml)
    usual = lint.steps_of(generated["pipelines"]["branches"]["main"])
    builds = [step for step in usual if step["name"].startswith("Build")]

    *built, deployed = steps(made(name))

    assert [(step["name"], step["script"]) for step in built] == [(step["name"], step["script"]) for step in builds]
    assert deployed["deployment"] == "production"
    assert "trigger" not in deployed
    changed = [item for item in deployed["script"] if item not in usual[-1]["script"]]
    assert changed == ["export DEPLOY_PURPOSE=rollback"]


@EVERY
def test_a_relink_is_the_rollback_of_the_generated_file(name: str) -> None:
    generated = document.read(generate(PROJECTS[name], REQUEST, TEMPLATES).pipelines_yml)

    pipeline = made(name, "relink")

    assert pipeline.takes_release
    custom = document.read(pipeline.yaml)["pipelines"]["custom"]
    assert custom["rollback"] == generated["pipelines"]["custom"]["rollback"]


def test_it_goes_to_the_place_of_its_environment() -> None:
    pipeline = made("express", environment="staging")

    assert 'DEPLOY_PATH:-/srv/example-com-staging}"' in pipeline.yaml
    assert steps(pipeline)[-1]["deployment"] == "staging"
    assert not pipeline.takes_release


def test_an_environment_that_the_request_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match="production") as refused:
        made("express", environment="elsewhere")

    assert refused.value.field == "environment"
