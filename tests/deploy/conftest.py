"""The server, the tools, the samples of the runs."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service import render
from service.cli.detect import detect_directory
from service.configs import Generated, Request, generate
from tests.configs.tools import need
from tests.deploy import server as servers
from tests.deploy.bitbucket import Repository

SAMPLES = Path(__file__).parents[1] / "samples"
HOST = "app.example.com"
APP = "app-example-com"
NODE_TOOLS = ("pm2@7.0.4", "node@22")


@dataclass(frozen=True)
class Project:
    """A sample on its way: its repository, the server it goes to, what was generated for it."""

    repository: Repository
    server: servers.Server
    generated: Generated
    port: int

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the repository, and commit."""
        file = self.repository.directory / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        self.repository.commit(f"Change {path}")


@pytest.fixture(scope="session")
def node_tools() -> Path:
    """The directory of node and pm2, with Python by the name that images call it; installed once a machine."""
    need("npm")
    # Not below /tmp, which the steps have for themselves.
    place = Path.home() / ".cache" / "penstock-tests"
    place.mkdir(parents=True, exist_ok=True)
    tools = place / "node_modules" / ".bin"
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if not (tools / "pm2").exists():
            subprocess.run(["npm", "install", "--silent", "--prefix", str(place), *NODE_TOOLS], check=True)
        if not (tools / "python").exists():
            (tools / "python").symlink_to("/usr/bin/python3")
    return tools


@pytest.fixture(scope="session")
def machine_path(node_tools: Path) -> str:
    """The PATH of images and of the server."""
    return f"{node_tools}:/usr/local/bin:/usr/bin:/bin:/usr/sbin"


@pytest.fixture
def server(machine_path: str) -> Iterator[servers.Server]:
    """A server without any release."""
    for tool in ("sshd", "nginx", "bwrap", "openssl", "git"):
        need(tool)
    runner = need("systemctl3")
    # Not pytest's directory: the workers of nginx are another user, and may not enter that one.
    root = Path(tempfile.mkdtemp(prefix="penstock-server-"))
    started = servers.start(root, host=HOST, app_name=APP, machine_path=machine_path, unit_runner=runner)
    try:
        yield started
    finally:
        started.stop()
        print((root / "nginx-error.log").read_text(errors="replace"))  # shown with a test that failed
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def deliver(server: servers.Server, tmp_path: Path, machine_path: str) -> Callable[..., Project]:
    """Makes a repository of a sample, or of several by the directories that they go to, with generated files in it
    and their server parts in place."""

    def made(sample: str | Mapping[str, str], **settings: Any) -> Project:
        directory = tmp_path / "repository"
        for place, name in ({".": sample} if isinstance(sample, str) else sample).items():
            ignored = shutil.ignore_patterns("node_modules", "dist", "__pycache__")
            shutil.copytree(SAMPLES / name, directory / place, ignore=ignored)
        port = servers.free_port_with_candidate()
        request = Request(domain=HOST, server="127.0.0.1", port=port, **settings)
        generated = generate(detect_directory(directory), request, render.environment())
        texts = dict(generated.files)
        for path in ("Dockerfile", ".dockerignore"):
            if path in texts:
                (directory / path).write_text(texts[path])
        (directory / "bitbucket-pipelines.yml").write_text(generated.pipelines_yml)
        server.install_site(generated.nginx_config)
        unit = texts.get(f"systemd/{APP}.service")
        if unit:
            server.install_unit(unit)
        repository = Repository(
            directory=directory,
            work=tmp_path / "runs",
            machine_path=machine_path,
            deployment_variables=server.variables(),
            secrets=(server.variables()["SSH_PRIVATE_KEY"],),
        )
        repository.commit("First version")
        return Project(repository, server, generated, port)

    return made
