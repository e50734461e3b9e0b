"""A project that travels as an image: built, pushed, pulled and run by the generated steps, with podman as Docker."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.configs import EnvironmentRequest
from tests.deploy import containers
from tests.deploy.conftest import Project
from tests.deploy.containers import Containers
from tests.deploy.probe import Probe
from tests.deploy.server import answers_of
from tests.deploy.test_samples import passed

pytestmark = pytest.mark.deploy

GREETING = 'it\'s $HOME "quoted" `here` \\ done'
BREAKS = "'use strict';\nif (process.env.RELEASE) throw new Error('broken at its start');"


@pytest.fixture
def images(node_tools: Path) -> Iterator[Containers]:
    """A daemon for the steps, a store for the server, a registry, and the base image of Node 22."""
    if os.geteuid() != 0:
        pytest.skip("containers are run by root here")
    # Neither below /tmp, which the steps have for themselves, nor where nginx may not enter.
    root = Path(tempfile.mkdtemp(prefix="penstock-containers-", dir="/var/tmp"))
    node = (node_tools / "node").resolve()
    npm = containers.npm_alone(node_tools.parents[1] / "npm")
    started = None
    try:
        started = containers.start(root, base="node:22-bookworm-slim", node=node, npm=npm)
        yield started
    finally:
        if started is not None:
            started.stop()
        shutil.rmtree(root, ignore_errors=True)


def test_an_image_is_built_pushed_pulled_defended_and_rolled_back(
    images: Containers, deliver: Callable[..., Project]
) -> None:
    production = EnvironmentRequest(health_path="/")
    project = deliver("express", project_type="docker", env=(("GREETING", "x"),), environments=(production,))
    repository, server = project.repository, project.server
    shutil.copy(images.server / "docker", server.root / "shims" / "docker")
    repository.docker = images.client
    repository.variables |= images.variables()
    repository.secrets += (containers.PASSWORD,)
    repository.deployment_variables["GREETING"] = GREETING
    # In a container, loopback is the container's own.
    project.edit("server.js", "'127.0.0.1'", "'0.0.0.0'")

    passed(repository.push())

    assert answers_of(server.get("/")[1]) == {"release": "1", "greeting": GREETING}
    assert f"{images.registry}/team/sample:1" in images.on_server("ps", "--format", "{{.Image}}")

    (repository.directory / "NOTES").write_text("second\n")
    repository.commit("Second version")
    with Probe(server, "/") as probe:
        passed(repository.push())
    assert set(probe.seen) == {200}
    assert answers_of(server.get("/")[1])["release"] == "2"

    project.edit("server.js", "'use strict';", BREAKS)
    with Probe(server, "/") as probe:
        results = repository.push()
    assert (results[-1].name, results[-1].status) == ("Deploy to production", 1)
    assert "broken at its start" in results[-1].log
    assert set(probe.seen) == {200}
    assert server.live_release() == "2"
    assert server.is_bad(3)

    with Probe(server, "/") as probe:
        passed(repository.rollback())
    assert set(probe.seen) == {200}
    assert answers_of(server.get("/")[1])["release"] == "1"
    assert server.is_bad(2)
    assert images.on_server("ps", "--format", "{{.Names}}").split() == [server.app_name]
