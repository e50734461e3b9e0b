"""Podman in Docker's place: a daemon for the steps, another store for the server, registries on loopback.

The base images that a Dockerfile names are made of what this machine has, and pulled from a registry that stands in for
Docker Hub.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.configs.tools import need
from tests.deploy.server import free_port, wait_until

ACCOUNT = "pusher"
PASSWORD = "a-registry-password"
# What htpasswd -B prints for the two.
HTPASSWD = "pusher:$2y$05$abcdefghijklmnopqrstuuOsXG.OUq8x0f5GnY8XOQd8UGDQQcyDW"

CONTAINERS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
REGISTRIES = """\
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "docker.io"
location = "127.0.0.1:{hub}"
insecure = true
[[registry]]
location = "127.0.0.1:{port}"
insecure = true
"""
REGISTRY = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
AUTH = "auth: {{htpasswd: {{realm: registry, path: {path}}}}}\n"


@dataclass
class Containers:
    """The running parts. `client` is a directory with a `docker` for steps, `server` one with that of the server."""

    root: Path
    registry_port: int
    client: Path
    server: Path
    processes: list[subprocess.Popen[bytes]]

    @property
    def registry(self) -> str:
        """The host that images are pushed to."""
        return f"127.0.0.1:{self.registry_port}"

    def variables(self) -> dict[str, str]:
        """The repository variables that a person would set for this registry."""
        return {
            "REGISTRY_HOST": self.registry,
            "REGISTRY_NAMESPACE": "team",
            "REGISTRY_USER": ACCOUNT,
            "REGISTRY_PASSWORD": PASSWORD,
        }

    def on_server(self, *arguments: str) -> str:
        """What `docker` says on the server."""
        asked = subprocess.run([self.server / "docker", *arguments], capture_output=True, text=True, check=True)
        return asked.stdout

    def stop(self) -> None:
        """End every container and what was started here."""
        subprocess.run(
            [self.server / "docker", "rm", "--force", "--all", "--time", "1"], capture_output=True, check=False
        )
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=20)


def start(root: Path, *, base: str, node: Path, npm: Path) -> Containers:
    """Start everything below `root`; `base` is the image that is made of `node` and `npm`."""
    podman, registry = need("podman"), need("docker-registry")
    hub, port = free_port(), free_port()
    (root / "containers.conf").write_text(CONTAINERS)
    (root / "registries.conf").write_text(REGISTRIES.format(hub=hub, port=port))
    (root / "htpasswd").write_text(HTPASSWD + "\n")
    settings = {
        "CONTAINERS_CONF": str(root / "containers.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(root / "registries.conf"),
    }
    socket = root / "podman.sock"
    stores = {name: [podman, f"--root={root}/{name}", f"--runroot={root}/{name}-run"] for name in ("steps", "server")}
    client = _docker(root / "client", [podman, "--remote", f"--url=unix://{socket}"], settings)
    server = _docker(root / "server-bin", stores["server"], settings)
    log = (root / "log").open("wb")
    with log:
        processes = [_registry(root, registry, "hub", hub, log), _registry(root, registry, "registry", port, log)]
        daemon = [*stores["steps"], "system", "service", "--time=0", f"unix://{socket}"]
        processes.append(subprocess.Popen(daemon, cwd=root, env=os.environ | settings, stdout=log, stderr=log))
    made = Containers(root, port, client, server, processes)
    try:
        wait_until(socket.exists)
        _base_image(root, hub, [*stores["steps"]], settings, base, node, npm)
    except BaseException:
        made.stop()
        raise
    return made


def _registry(root: Path, program: str, name: str, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    text = REGISTRY.format(root=root / f"{name}-blobs", port=port)
    if name == "registry":
        text += AUTH.format(path=root / "htpasswd")
    (root / f"{name}.yml").write_text(text)
    return subprocess.Popen([program, "serve", str(root / f"{name}.yml")], stdout=log, stderr=log)


def _docker(place: Path, command: list[str], settings: dict[str, str]) -> Path:
    place.mkdir()
    exports = "".join(f"export {name}={value}\n" for name, value in settings.items())
    text = f'#!/bin/sh\n{exports}export REGISTRY_AUTH_FILE="$HOME/registry-auth.json"\nexec {" ".join(command)} "$@"\n'
    (place / "docker").write_text(text)
    (place / "docker").chmod(0o755)
    return place


def _base_image(
    root: Path, hub: int, podman: list[str], settings: dict[str, str], name: str, node: Path, npm: Path
) -> None:
    """An image of that name with a shell, node and npm, in the hub."""
    tree = root / "base.tar"
    with tarfile.open(tree, "w") as packed:
        for program in (Path("/bin/sh"), Path("/usr/bin/env"), node):
            _program(packed, program)
        packed.add(npm, "usr/local/lib/node_modules/npm")
        for word in ("npm", "npx"):
            link = tarfile.TarInfo(f"usr/local/bin/{word}")
            link.type, link.linkname = tarfile.SYMTYPE, f"../lib/node_modules/npm/bin/{word}-cli.js"
            packed.addfile(link)
        for path in ("/etc/ssl/certs/ca-certificates.crt", "/etc/passwd", "/etc/group", str(Path.home() / ".npmrc")):
            if Path(path).exists():
                packed.add(os.path.realpath(path), path.lstrip("/").replace(str(Path.home()).lstrip("/"), "root", 1))
        place = tarfile.TarInfo("tmp")
        place.type, place.mode = tarfile.DIRTYPE, 0o1777
        packed.addfile(place)
    changes = ["--change", "ENV=PATH=/usr/local/bin:/usr/bin:/bin"]
    certificates = os.environ.get("NODE_EXTRA_CA_CERTS")
    if certificates:
        changes += ["--change", "ENV=NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt"]
    pushed = f"127.0.0.1:{hub}/library/{name}"
    push = ["push", "--quiet", "--tls-verify=false", pushed]
    for command in (["import", "--quiet", *changes, str(tree), pushed], push, ["rmi", pushed]):
        done = subprocess.run(
            [*podman, *command], env=os.environ | settings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    tree.unlink()


def _program(packed: tarfile.TarFile, program: Path) -> None:
    names = {"node": "/usr/local/bin/node"}
    packed.add(os.path.realpath(program), names.get(program.name, str(program)).lstrip("/"))
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    known = set(packed.getnames())
    for word in linked.split():
        if word.startswith("/") and word.lstrip("/") not in known:
            packed.add(os.path.realpath(word), word.lstrip("/"))


def npm_alone(place: Path) -> Path:
    """npm as one directory, as images of node have it."""
    if not (place / "node_modules" / "npm").exists():
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run([need("npm"), "install", "--silent", "--prefix", str(place), "npm@10"], check=True)
    return place / "node_modules" / "npm"
