"""Penstock, a simulated Bitbucket whose runs are real, and a server: what fails its health check is rolled back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.configs import lint
from service.simulator import Run, Simulator
from tests.both_ways.conftest import both_running
from tests.deploy.conftest import HOST, Project
from tests.deploy.probe import Probe

pytestmark = [pytest.mark.deploy, pytest.mark.anyio]

FILE = "bitbucket-pipelines.yml"


@contextmanager
def door_to(project: Project) -> Iterator[str]:
    """A plain address at which the server's encrypted site answers, for a probe that knows no name of it."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = project.server.get(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Nobody reads along."""

    door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=door.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{door.server_port}"
    finally:
        door.shutdown()
        thread.join()
        door.server_close()


async def carry_out(project: Project, run: Run) -> None:
    """What a runner of Bitbucket's does: the steps of the run, one after the other, up to one that fails."""
    pipelines = project.repository._pipelines()
    custom = run.target.selector == "custom"
    items = pipelines["custom"][run.target.pattern] if custom else pipelines["branches"]["main"]
    artifacts = project.repository.work / f"artifacts-{run.build_number}"
    artifacts.mkdir(parents=True)
    chosen = {one.key: one.value for one in run.variables}
    await run.begin()
    for step in lint.steps_of(items):
        await run.advance_to(step["name"])
        result = await asyncio.to_thread(project.repository._step, step, run.build_number, artifacts, chosen)
        await run.write(result.log)
        if result.status:
            await run.finish("FAILED")
            return
    await run.finish("SUCCESSFUL")


async def test_what_fails_its_health_check_is_rolled_back_while_the_site_answers(
    deliver: Callable[..., Project], tmp_path: Path
) -> None:
    project = deliver("static")
    directory = project.repository.directory
    (directory / "health.txt").write_text("well\n")
    project.repository.commit("Say how it is")

    def files() -> dict[str, str]:
        found = [path for path in directory.rglob("*") if path.is_file() and ".git" not in path.parts]
        return {str(path.relative_to(directory)): path.read_text() for path in found}

    async with Simulator.running() as bitbucket:
        shop = bitbucket.repository("acme/till", files=files())
        carried: list[Run] = []

        async def runner() -> None:
            while True:
                for run in shop.runs[len(carried) :]:
                    carried.append(run)
                    await carry_out(project, run)
                await asyncio.sleep(0.05)

        async with both_running(bitbucket, tmp_path / "penstock") as both:
            wanted = {"repository_id": both.repository_id, "project_type": "static", "domain": HOST}
            made = await both.post("/api/pipelines/generate", {**wanted, "server_ip": "127.0.0.1"})
            assert made.status_code == 201, made.text
            both.pipeline_id = made.json()["id"]
            running = asyncio.create_task(runner())
            shop.runs_on_push = True
            with door_to(project) as address:
                path = f"/api/pipelines/{both.pipeline_id}/environments/production"
                check = {"url": f"{address}/health.txt", "attempts": 2, "interval_seconds": 1}
                setting = {"health_check": check, "rollback_policy": "on_failed_health_check"}
                answer = await both.penstock.client.put(path, json=setting)
                assert answer.status_code == 200, answer.text
                await shop.push("main", {"index.html": files()["index.html"] + "<!-- one -->\n"})
                good = await both.execution(shop.runs[0], status="SUCCESS")

                (directory / "health.txt").unlink()
                project.repository.commit("Say nothing")
                with Probe(project.server, "/") as probe:
                    await shop.push("main", {"health.txt": None, "count.txt": "2\n"})
                    bad = await both.execution(shop.runs[1], status="FAILED", rolled_back=True)
                    [back] = [one for one in await both.executions() if one["trigger_type"] == "rollback"]
                    await both.execution(back["id"], status="SUCCESS")

                assert bad["rollback_reason"].startswith("rolled back by itself: ")
                assert back["previous_execution_id"] == good["id"]
                assert carried[-1].target.pattern == "rollback"
                assert set(probe.seen) == {200}
                assert probe.seen[200] > 20
                assert project.server.live_release() == "1"
                assert project.server.is_bad(2)
                assert project.server.get("/health.txt") == (200, "well\n")
                environment = await both.penstock.get(path)
                assert environment["live_execution_id"] == back["id"]
                assert environment["hold"]["by_execution_id"] == bad["id"]
            running.cancel()
