"""Keys are rotated, the audit log is verified, and what is configured moves from one installation to another."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from service.settings import from_environ
from service.store import accounts
from service.store.database import Database
from tests.cli.conftest import Run
from tests.living import living

pytestmark = [pytest.mark.anyio, pytest.mark.long]

SECRET = "sk_live_51H8x0000secret"


async def filled(directory: Path) -> None:
    """An installation with a repository, a generated pipeline, an environment, variables, a domain, a credential."""
    async with living({"PENSTOCK_DATA_DIR": str(directory)}) as penstock:
        client = penstock.client
        wanted = {
            "repository_id": penstock.hook.id,
            "project_type": "react",
            "domain": "example.com",
            "environment_variables": [
                {"key": "MODE", "value": "shop"},
                {"key": "TOKEN", "value": SECRET, "secured": True},
            ],
        }
        made = (await client.post("/api/pipelines/generate", json=wanted)).json()
        staging = {"name": "staging", "kind": "staging", "branch_pattern": "develop", "port": 8082}
        assert (await client.post(f"/api/pipelines/{made['id']}/environments", json=staging)).status_code == 201
        assert (await client.post("/api/domains", json={"name": "example.com"})).status_code == 201
        credential = {"kind": "api_token", "email": "ada@example.com", "token": "ATATT3xFfGF0secret"}
        assert (await client.post("/api/credentials", json=credential)).status_code == 201


async def pipeline_of(directory: Path) -> tuple[dict[str, object], dict[str, object]]:
    async with living({"PENSTOCK_DATA_DIR": str(directory)}) as penstock:
        found = await penstock.get("/api/pipelines")
        detail = await penstock.get(f"/api/pipelines/{found['items'][0]['id']}")
        return detail, await penstock.get("/api/domains")


async def test_H14_what_is_exported_is_imported_elsewhere_without_a_secret(tmp_path: Path, run: Run) -> None:
    here, there, file = tmp_path / "here", tmp_path / "there", tmp_path / "penstock.json"
    await filled(here)
    run("user", "add", "ada", "--password-stdin", stdin="correct horse battery", PENSTOCK_DATA_DIR=str(there))

    exported = run("export", str(file), PENSTOCK_DATA_DIR=str(here))
    imported = run("import", str(file), "--json", PENSTOCK_DATA_DIR=str(there))
    again = run("import", str(file), "--json", PENSTOCK_DATA_DIR=str(there))

    assert exported.out == f"{file} is written; repositories: 1, domains: 1\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert SECRET not in file.read_text()
    assert "ATATT3xFfGF0secret" not in file.read_text()
    assert (here / "secret.keys").read_text().strip() not in file.read_text()
    assert [one["repository"] for one in imported.json["connected"]] == ["acme/shop"]
    assert imported.json["set_again"] == ["acme/shop: TOKEN"]
    assert again.json["connected"] == []
    (before, domains), (after, moved) = await pipeline_of(here), await pipeline_of(there)
    kept = ("project_type", "domain", "ssl_enabled", "bitbucket_pipelines_yml", "nginx_config", "certbot_command")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after["environments"] == before["environments"]
    assert after["environment_variables"] == [{"key": "MODE", "secured": False, "value": "shop"}]
    assert [one["name"] for one in moved["items"]] == [one["name"] for one in domains["items"]] == ["example.com"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["", "{}", '{"penstock_export": 99, "repositories": [], "domains": []}', "[1]"])
def test_a_file_that_is_no_export_is_refused_in_one_line(tmp_path: Path, run: Run, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)

    assert str(file) in run("import", str(file)).failure


def test_an_export_overwrites_nothing(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "penstock.json"
    file.write_text("mine")

    assert "choose another name" in run("export", str(file)).failure
    assert file.read_text() == "mine"


async def test_keys_are_rotated_without_losing_a_secret(tmp_path: Path, run: Run) -> None:
    data = tmp_path / "data"
    await filled(data)
    keys = data / "secret.keys"
    [old] = keys.read_text().split()

    rotated = run("keys", "rotate")
    both = keys.read_text().split()
    dropped = run("keys", "rotate", "--drop-old")

    assert rotated.out.startswith("4 secrets are sealed anew")  # the webhook's, the credential's, two variables'
    assert both[1:] == [old]
    assert keys.read_text().split() == both[:1]
    assert dropped.out == "0 secrets are sealed anew\n1 old keys are gone\n"
    detail, _ = await pipeline_of(data)
    assert detail["environment_variables"] == [
        {"key": "MODE", "secured": False, "value": "shop"},
        {"key": "TOKEN", "secured": True, "value": None},
    ]


async def test_a_running_service_opens_what_a_rotation_has_sealed(tmp_path: Path, run: Run) -> None:
    data = tmp_path / "data"
    await filled(data)

    async with living({"PENSTOCK_DATA_DIR": str(data)}) as penstock:
        before = await penstock.get("/api/pipelines")
        run("keys", "rotate")
        after = await penstock.get("/api/pipelines")

    assert after == before


async def test_the_audit_log_is_verified_and_a_change_of_it_is_found(tmp_path: Path, run: Run) -> None:
    data = tmp_path / "data"
    await filled(data)
    whole = run("audit", "verify", "--json")

    with sqlite3.connect(data / "penstock.db") as connection:
        connection.execute("UPDATE audit SET actor = 'mallory' WHERE id = 2")
    connection.close()

    assert whole.json["valid"] is True
    assert whole.json["lines"] > 3
    assert run("audit", "verify").failure.startswith("line 2 does not follow")


def test_a_token_has_the_scopes_it_was_made_with(run: Run) -> None:
    run("user", "add", "ada", "--password-stdin", stdin="correct horse battery")
    run("token", "create", "ada", "--name", "look", "--scope", "read")
    run("token", "create", "ada", "--name", "run", "--scope", "operate", "--scope", "read")
    run("token", "create", "ada", "--name", "all")

    assert [(one["name"], one["scopes"]) for one in run("token", "list", "--json").json] == [
        ("look", "read"),
        ("run", "read operate"),
        ("all", "read operate admin"),
    ]
    assert run("token", "create", "ada", "--scope", "everything").status == 2


async def test_who_is_removed_leaves_no_credential_and_no_domain(tmp_path: Path, run: Run) -> None:
    data = tmp_path / "data"
    await filled(data)

    assert run("user", "remove", "ada").status == 0

    database = Database(from_environ({"PENSTOCK_DATA_DIR": str(data)}).database, beside=True)
    async with database.read() as connection:
        assert await accounts.list_users(connection) == []
    await database.close()
    assert [json.loads(line) for line in run("user", "list", "--json").out.splitlines() if line != "[]"] == []
