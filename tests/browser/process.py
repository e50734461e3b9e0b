"""The service as a process of its own, which can be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.living import Hook, repository, signed

ROOT = Path(__file__).parents[2]


class Process:
    """`penstock serve` on a data directory. The first start takes a free port, later ones the same."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.url = ""
        self.link = ""
        self._data_dir = data_dir
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Returns when it says where it is."""
        port = self.url.rpartition(":")[2] or "0"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve", "--port", port],
            cwd=ROOT,
            env=self._environ(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        told = self._process.stdout.readline()
        assert told.startswith("Penstock is at "), told
        if not self.url:
            self.url = told.split()[-1]
            self.link = self._process.stdout.readline().split()[-1]

    def kill(self) -> None:
        """kill -9: it says goodbye to nobody."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def run(self, *words: str, stdin: str = "") -> str:
        """Another command beside it; what it prints."""
        command = [sys.executable, "-m", "service", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environ(), input=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _environ(self) -> dict[str, str]:
        mine = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        return {**mine, "PENSTOCK_DATA_DIR": str(self._data_dir), "PENSTOCK_LOG_LEVEL": "error", **self._settings}

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.communicate()
            self._process = None


class Bitbucket:
    """Bitbucket's side of it: repositories with hooks, and deliveries to them.

    `session` is the cookie of the person who connects them.
    """

    def __init__(self, service: Process, session: str) -> None:
        self._client = httpx.Client(base_url=service.url, cookies={"session": session}, timeout=20)

    def connect(self, full_name: str) -> Hook:
        workspace, slug = full_name.split("/")
        answer = self._client.post("/api/repositories", json={"workspace": workspace, "slug": slug})
        assert answer.status_code == 201, answer.text
        webhook = answer.json()["webhook"]
        return Hook(answer.json()["id"], full_name, webhook["url"], webhook["secret"], f"{{{uuid.uuid4()}}}")

    def disconnect(self, hook: Hook) -> None:
        assert self._client.delete(f"/api/repositories/{hook.id}").status_code == 204

    def deliver(self, hook: Hook, key: str, payload: Mapping[str, Any]) -> None:
        body = msgspec.json.encode({"repository": repository(hook), **payload})
        answer = self._client.post(hook.url, content=body, headers=signed(body, hook, key))
        assert answer.status_code == 202, answer.text

    def close(self) -> None:
        self._client.close()
