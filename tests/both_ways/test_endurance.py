"""What takes minutes: very large logs, and a hundred thousand secrets."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from service.masking import MASK, SHORTEST, forms_of
from tests.bench.ingest import account
from tests.bench.logs import begin, client_of, environ_of, read, simulator, stored
from tests.test_masking import by_definition, masked

pytestmark = [pytest.mark.anyio, pytest.mark.endurance]

# Of secrets: letters alone would never need an escape.
LETTERS = "abcXYZ0189+/=%&?#\"'\\`$!~ .:-_äß日🚀\n"


async def test_a_hundred_megabytes_go_through_a_process_that_does_not_grow_by_them(tmp_path: Path) -> None:
    async with simulator(100) as running:
        assert running.stdout is not None
        url = (await running.stdout.readline()).decode().strip()
        environ = environ_of(str(tmp_path), url)
        token = await asyncio.to_thread(account, environ)
        words = [sys.executable, "-m", "service", "serve", "--port", "0"]
        serving = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, **environ})  # noqa: ASYNC220
        try:
            assert serving.stdout is not None
            said = await asyncio.to_thread(serving.stdout.readline)
            own = next(word for word in said.split() if word.startswith("http")).rstrip("/")
            async with client_of(own, token) as client:
                before = peak_of(serving.pid)
                begun = await begin(running, client, url)
                await stored(client, begun.execution_id, begun.size)
                slow = asyncio.create_task(_never_reads(own, token, begun.execution_id))
                await asyncio.gather(*(read(own, token, begun.execution_id) for _ in range(5)))
                found = await client.get(
                    "/api/pipelines/1/logs", params={"q": "module core/9999 ", "limit": 4}, timeout=120
                )
                slow.cancel()
                after = peak_of(serving.pid)
        finally:
            serving.send_signal(signal.SIGTERM)
            await asyncio.to_thread(serving.communicate, None, 60)

    assert begun.size == 100_000_000
    assert len(found.json()["matches"]) > 50
    assert after - before < 60_000_000


def test_a_hundred_thousand_secrets_are_masked_in_every_form_at_every_border() -> None:
    chance = random.Random(20260301)
    for number in range(100_000):
        secret = "".join(chance.choices(LETTERS, k=chance.randrange(SHORTEST, 24)))
        forms = forms_of(secret)
        shown = _shown(secret, chance)
        data = b"".join(
            chance.choice([b"", b"noise ", shown[:7], "prüfen ".encode()]) + (shown if chance.random() < 0.7 else b"")
            for _ in range(chance.randrange(1, 4))
        )
        cuts = [chance.randrange(len(data) + 1) for _ in range(chance.randrange(5))]

        out = masked(forms, data, cuts=cuts)

        assert out == by_definition(forms, data), (number, secret)
        if len(secret.strip()) >= SHORTEST and "\n" not in secret and shown in data:
            assert MASK in out, (number, secret, shown)
            assert shown not in out, (number, secret, shown)


def _shown(secret: str, chance: random.Random) -> bytes:
    form = chance.randrange(6)
    if form == 0:
        return secret.encode()
    if form == 1:
        return base64.b64encode(b"\0" * chance.randrange(3) + secret.encode())
    if form == 2:
        return quote(secret, safe=chance.choice(["", "/"])).encode()
    if form == 3:
        return json.dumps(secret, ensure_ascii=chance.random() < 0.5).encode()
    if form == 4:
        return shlex.quote(secret).encode()
    return base64.urlsafe_b64encode(secret.encode())


async def _never_reads(own: str, token: str, execution_id: int) -> None:
    host, port = own.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1)
    path = f"/api/executions/{execution_id}/logs/stream"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    try:
        await asyncio.Event().wait()
    finally:
        writer.close()


def peak_of(pid: int) -> int:
    """Bytes of memory that the process has had at most."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
