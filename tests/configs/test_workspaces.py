"""Parts whose lock file or whose built files lie outside of their own directory."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from service.configs import Generated, InvalidValue, Request, document, generate
from service.projects.model import Detection
from tests.configs.projects import TEMPLATES, facts, javascript, python
from tests.configs.tools import run


def made(detection: Detection) -> Generated:
    return generate(detection, Request(domain="example.com"), TEMPLATES)


def build(generated: Generated) -> list[str]:
    data: dict[str, Any] = document.read(generated.pipelines_yml)
    script: list[str] = data["pipelines"]["branches"]["main"][0]["step"]["script"]
    return script


def cached_files(generated: Generated) -> list[str]:
    (cache,) = document.read(generated.pipelines_yml)["definitions"]["caches"].values()
    files: list[str] = cache["key"]["files"]
    return files


WEB = javascript("react", root="apps/web", install_root=".", output_dir="dist")


def test_a_part_is_installed_at_its_lock_file_and_built_in_its_own_directory() -> None:
    generated = made(WEB)

    assert build(generated)[:3] == ["npm ci", "cd apps/web", "npm run build"]
    assert cached_files(generated) == ["package-lock.json"]


def test_the_lock_file_may_lie_between_the_top_and_the_part() -> None:
    generated = made(msgspec.structs.replace(WEB, root="js/apps/web", install_root="js"))

    assert build(generated)[:4] == ["cd js", "npm ci", "cd apps/web", "npm run build"]
    assert cached_files(generated) == ["js/package-lock.json"]


def test_a_server_takes_the_modules_of_its_workspace_along() -> None:
    generated = made(javascript("express", root="apps/api", install_root=".", start_command="node server.js"))

    script = build(generated)
    assert script.index("cd ../..") < script.index("npm prune --omit=dev")
    assert "path.join(live, 'apps/api')" in dict(generated.files)["pm2/ecosystem.config.cjs"]
    assert "cd apps/api" in generated.pipelines_yml


def test_a_server_that_is_built_beside_its_part_is_started_there() -> None:
    nx = javascript("nestjs", root="apps/api", install_root=".", start_command="node ../../dist/apps/api/main.js")

    generated = made(nx)

    assert '"script": "../../dist/apps/api/main.js"' in dict(generated.files)["pm2/ecosystem.config.cjs"]
    assert "exec node ../../dist/apps/api/main.js" in generated.pipelines_yml


@pytest.mark.parametrize("root", [".", "apps/api"])
def test_a_server_outside_of_the_repository_is_refused(root: str) -> None:
    outside = javascript("nestjs", root=root, install_root=root, start_command="node ../main.js")

    with pytest.raises(InvalidValue, match="start_command: not a path inside"):
        made(outside)


def test_a_next_application_of_a_workspace_starts_below_its_bundle() -> None:
    generated = made(javascript("nextjs", root="apps/web", install_root="."))

    assert any("cp -R .next/static /tmp/bundle/apps/web/.next/static" in item for item in build(generated))
    assert "path.join(live, 'apps/web')" in dict(generated.files)["pm2/ecosystem.config.cjs"]


def test_wheels_are_made_where_the_requirements_lie_and_go_along_with_the_part() -> None:
    detection = python("flask", root="services/shop", install_root=".", evidence=facts("requirements.txt"))

    script = build(made(detection))

    assert script.index("mv wheelhouse requirements.release.txt services/shop") < script.index("cd services/shop")
    assert cached_files(made(detection)) == ["requirements.txt"]
    assert "-r requirements.txt" not in script[script.index("cd services/shop") :]


@pytest.mark.parametrize("where", ["apps/other", "..", "/", "apps/web/deeper", "app"])
def test_dependencies_are_installed_in_the_part_or_above_it(where: str) -> None:
    with pytest.raises(InvalidValue, match="install_root"):
        made(msgspec.structs.replace(WEB, install_root=where))


@pytest.mark.parametrize(
    ("root", "output", "packed"),
    [
        ("apps/web", "../../dist/apps/web", "../../dist/apps/web"),
        ("web", "../dist", "../dist"),
        ("web", "../web/dist/", "dist"),
        ("web", "./dist", "dist"),
    ],
)
def test_built_files_may_lie_beside_the_part(root: str, output: str, packed: str) -> None:
    script = build(made(msgspec.structs.replace(WEB, root=root, output_dir=output)))

    assert f"test -f {packed}/index.html" in script
    assert f"tar --exclude-vcs -czf /tmp/release.tar.gz -C {packed} ." in script


@pytest.mark.parametrize("output", ["../../../dist", "../../..", "/etc", "../../../web/dist", "../../a;b"])
def test_built_files_outside_of_the_repository_are_refused(output: str) -> None:
    with pytest.raises(InvalidValue, match="output_dir"):
        made(msgspec.structs.replace(WEB, output_dir=output))


@pytest.mark.parametrize(
    "detection",
    [WEB, javascript("nextjs", root="a/b", install_root="a"), python("django", root="a/b", install_root=".")],
)
def test_shellcheck_finds_nothing_in_the_build_of_such_a_part(detection: Detection) -> None:
    text = "#!/bin/bash\nset -e\n" + "\n".join(build(made(detection)))

    checked = run("shellcheck", "--severity=warning", "--exclude=SC2164,SC2012", "-", text=text)

    assert checked.returncode == 0, checked.stdout
