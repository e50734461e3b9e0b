"""Requests of every shape that the API's document allows, and of others: no 5xx, and nothing undocumented."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service import holding
from service.store import environments
from tests.conftest import skip_or_fail
from tests.living import Living, living, push

pytestmark = [pytest.mark.anyio, pytest.mark.endurance]

SECONDS = int(os.environ.get("PENSTOCK_TEST_CONFORMANCE_SECONDS", "180"))

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)

# Streams do not end.
ENDLESS = ("/api/events", "/api/executions/{id}/logs/stream")


async def furnish(penstock: Living) -> None:
    """Something of every kind, so that numbers which are tried are often those of something."""

    async def made(path: str, body: Any) -> None:
        answer = await penstock.client.post(path, json=body)
        assert answer.status_code == 201, answer.text

    for slug in ("one", "two", "three"):
        await made("/api/pipelines/generate", {"workspace": "acme", "slug": slug, "project_type": "react"})
    for name in ("a.example", "b.example"):
        await made("/api/domains", {"name": name})
        await made("/api/credentials", {"kind": "access_token", "token": "ATCTT3xFfGN0"})
    for target in ({"kind": "email", "address": "us@example.com"}, {"kind": "webhook", "url": "https://example.com/"}):
        await made("/api/notifications", {"name": "us", "target": target})
    for number in range(3):
        await penstock.deliver("repo:push", push("main", f"{number:040x}"))
    executions = await penstock.executions()
    async with penstock.house.recorder.record() as record:
        place = await environments.named(record.connection, executions[0]["pipeline_id"], "production")
        assert place is not None
        held = {"execution_id": executions[0]["id"], "commit": "0" * 40, "reason": "it did not answer"}
        await holding.hold(record, place, **held)


async def test_the_api_does_what_its_document_says(tmp_path: Path) -> None:
    program = shutil.which("schemathesis") or shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if program is None:
        skip_or_fail("schemathesis is not installed: pip install schemathesis")
        return
    async with living({"PENSTOCK_DATA_DIR": str(tmp_path)}) as penstock:
        await furnish(penstock)
        words = [program, "run", f"{penstock.url}/api/openapi.json", "--url", penstock.url]
        words += ["-H", f"Authorization: Bearer {penstock.token}", "--continue-on-failure"]
        words += ["--phases", "coverage,fuzzing,stateful", "--max-time", str(SECONDS), "-c", ",".join(CHECKS)]
        words += [word for path in ENDLESS for word in ("--exclude-path", path)]
        process = await asyncio.create_subprocess_exec(
            *words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        told, _ = await process.communicate()

    assert process.returncode == 0, told.decode()[-8000:]
