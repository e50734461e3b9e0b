"""Requests of every shape that the API's document allows, and of others: no 5xx, and nothing undocumented."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.living import living

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


async def test_the_api_does_what_its_document_says(tmp_path: Path) -> None:
    program = shutil.which("schemathesis") or shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if program is None:
        skip_or_fail("schemathesis is not installed: pip install schemathesis")
        return
    async with living({"PENSTOCK_DATA_DIR": str(tmp_path)}) as penstock:
        for slug in ("one", "two", "three"):
            wanted = {"workspace": "acme", "slug": slug, "project_type": "react"}
            await penstock.client.post("/api/pipelines/generate", json=wanted)
        words = [program, "run", f"{penstock.url}/api/openapi.json", "--url", penstock.url]
        words += ["-H", f"Authorization: Bearer {penstock.token}", "--continue-on-failure"]
        words += ["--phases", "coverage,fuzzing,stateful", "--max-time", str(SECONDS), "-c", ",".join(CHECKS)]
        words += [word for path in ENDLESS for word in ("--exclude-path", path)]
        process = await asyncio.create_subprocess_exec(
            *words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        told, _ = await process.communicate()

    assert process.returncode == 0, told.decode()[-8000:]
