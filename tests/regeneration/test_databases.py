"""The same on each kind of database; and a database from before has room for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from service.simulator import Simulator
from service.store import migrate
from service.store.database import Database
from tests.regeneration.conftest import FILE, staged, text_of
from tests.regeneration.generated import files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NODE = files_of("express") | {".nvmrc": b"18\n"}


async def test_pushes_proposals_and_drift(bitbucket: Simulator, tmp_path: Path, database_url: str) -> None:
    async with staged(bitbucket, tmp_path, PENSTOCK_DATABASE_URL=database_url) as stage:
        shop, number = await stage.generate("shop", NODE)
        await stage.merge(shop)
        for turn in range(4):
            await shop.push("main", {"lib/prices.js": f"module.exports = {turn};\n"})
        await stage.push(shop, {".nvmrc": "22\n"})
        await stage.push(shop, {FILE: text_of(shop) + "# ours\n", "certbot.sh": None})
        await stage.merge(shop)

        newest = await stage.newest(number)
        assert (newest["revision"], newest["delivered"]) == (2, "delivered")
        assert text_of(shop) == newest["files"][FILE] + "# ours\n"
        drift = (await stage.penstock.get("/api/drift", pipeline_id=number))["items"]
        assert [(one["subject"], one["change"]) for one in drift] == [(FILE, "changed"), ("certbot.sh", "missing")]
        await stage.push(shop, {FILE: newest["files"][FILE], "certbot.sh": newest["files"]["certbot.sh"]})
        assert (await stage.penstock.get("/api/drift"))["items"] == []


async def test_pipelines_and_revisions_from_before_are_kept(database_url: str) -> None:
    database = Database(database_url)
    async with database.write() as connection:
        await connection.run_sync(_at_the_one_before)
    async with database.write() as connection:
        for statement in _ROWS:
            await connection.execute(text(statement))

    await migrate.upgrade(database)

    async with database.read() as connection:
        row = (await connection.execute(text("SELECT config_skip_ci, config_delivery FROM pipelines"))).one()
        revision = (await connection.execute(text("SELECT delivered, changes, conflicts FROM config_revisions"))).one()
    await database.close()
    assert (bool(row.config_skip_ci), row.config_delivery) == (False, "commit")
    assert tuple(revision) == ("waiting", None, None)


_AT = "'2026-03-01 09:30:00'"
_ROWS = (
    f"INSERT INTO repositories (workspace, slug, connected_at) VALUES ('acme', 'shop', {_AT})",
    "INSERT INTO pipelines (repository_id, is_active, status, project_type, ssl_enabled, config_delivery, version,"
    f" created_at, updated_at) VALUES (1, true, 'PLANNED', 'react', false, 'commit', 3, {_AT}, {_AT})",
    "INSERT INTO config_revisions (pipeline_id, number, files, decisions, diff, delivery, delivered, created_at)"
    f" VALUES (1, 1, '{{}}', '[]', '', 'commit', 'waiting', {_AT})",
)


def _at_the_one_before(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "0004")
