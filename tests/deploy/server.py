"""A server on loopback for generated files: sshd, nginx, and something that runs units, all of this user.

What a real server has at fixed places lies below one directory; generated texts are moved there by exact replacement
of paths and ports, nothing else of them is changed.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from service.configs.nginx.reading import read
from service.configs.nginx.site import ACME_ROOT
from service.configs.nginx.tree import Directive, write
from service.configs.place import APART

SHELL = """\
#!/bin/sh
export HOME={home} PATH={path} XDG_RUNTIME_DIR={home}/run PM2_HOME={home}/.pm2
cd "$HOME"
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""
SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host_key
AuthorizedKeysFile {root}/authorized_keys
PidFile {root}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
ForceCommand {root}/shell
"""
NGINX = """\
{user}worker_processes 1;
daemon off;
pid {root}/nginx.pid;
error_log {root}/nginx-error.log;
events {{}}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {root}/nginx-body;
    proxy_temp_path {root}/nginx-proxy;
    fastcgi_temp_path {root}/nginx-fastcgi;
    uwsgi_temp_path {root}/nginx-uwsgi;
    scgi_temp_path {root}/nginx-scgi;
    include {root}/sites/*.conf;
}}
"""


def free_port() -> int:
    """A TCP port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_port_with_candidate() -> int:
    """A free port whose candidate's port, ten thousand above, is free as well; so are those of a program of pages."""
    for port in range(15000 + os.getpid() % 4000, 21000):
        away = (0, APART, 2 * APART)
        if all(_is_free(port + one) and _is_free(port + one + 10000) for one in away):
            return port
    raise TimeoutError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@dataclass
class Server:
    """The running server. `host` is the site's name; `http_port`, `https_port` stand for 80 and 443."""

    root: Path
    host: str
    app_name: str
    machine_path: str
    ssh_port: int
    http_port: int
    https_port: int
    processes: list[subprocess.Popen[bytes]]

    @property
    def deploy_path(self) -> Path:
        return self.root / "srv"

    def variables(self) -> dict[str, str]:
        """The deployment variables that a person would set for this server."""
        known = (self.root / "host_key.pub").read_text().split()
        return {
            "SSH_HOST": "127.0.0.1",
            "SSH_PORT": str(self.ssh_port),
            "SSH_USER": getpass.getuser(),
            "SSH_KNOWN_HOSTS": f"[127.0.0.1]:{self.ssh_port} {known[0]} {known[1]}",
            "SSH_PRIVATE_KEY": (self.root / "client_key").read_text(),
            "DEPLOY_PATH": str(self.deploy_path),
            "HEALTHCHECK_URL": f"https://{self.host}:{self.https_port}",
        }

    def install_site(self, text: str, *, encrypted: bool = True) -> None:
        """Put a generated site in place and let nginx read it."""
        moved = tuple(self._moved(entry) for entry in read(text))
        (self.root / "sites" / f"{self.host}.conf").write_text(write(moved))
        self.processes[1].send_signal(signal.SIGHUP)
        wait_until(lambda: self.listens(self.https_port if encrypted else self.http_port))

    def moved_text(self, text: str) -> str:
        """A generated text with the places of a real server replaced by those of this one, and nothing else."""
        live = f"/etc/letsencrypt/live/{self.host}/"
        moved = text.replace(f"{live}fullchain.pem", str(self.root / "certificate.pem"))
        moved = moved.replace(f"{live}privkey.pem", str(self.root / "certificate.key"))
        moved = moved.replace('"/etc/letsencrypt/live/" host "/"', f'"{self.root}/certificate."')
        for port, here in (("80", self.http_port), ("443", self.https_port)):
            moved = re.sub(rf"(listen (?:\[::\]:)?){port}\b", rf"\g<1>{here}", moved)
        moved = moved.replace("/etc/nginx/sites-enabled", str(self.root / "sites")).replace(
            "/etc/nginx", str(self.root)
        )
        moved = moved.replace("/var/lib/", f"{self.root}/state/").replace("/usr/local/sbin", str(self.root / "shims"))
        return self._moved_path(moved)

    def let_deployments_install_the_site(self, texts: dict[str, str]) -> None:
        """Put the generated script and its unit in place."""
        name = f"{self.app_name}-site"
        script = self.root / "shims" / name
        script.write_text(self.moved_text(texts[f"nginx/install/{name}"]))
        script.chmod(0o755)
        units = self.root / "home" / ".config" / "systemd" / "user"
        units.mkdir(parents=True, exist_ok=True)
        (units / f"{name}.service").write_text(self.moved_text(texts[f"systemd/{name}.service"]))

    def install_unit(self, text: str) -> None:
        """Put a generated unit in place, run by this user instead of `deploy`."""
        kept = [line for line in text.splitlines() if not line.startswith(("User=", "Group="))]
        units = self.root / "home" / ".config" / "systemd" / "user"
        units.mkdir(parents=True, exist_ok=True)
        moved = "\n".join(kept).replace(f"/srv/{self.app_name}", str(self.deploy_path)) + "\n"
        (units / f"{self.app_name}.service").write_text(moved)

    def get(self, path: str = "/") -> tuple[int, str]:
        """Ask the site through nginx, over TLS; (status, body)."""
        context = ssl.create_default_context(cafile=str(self.root / "certificate.pem"))
        context.check_hostname = False
        request = urllib.request.Request(f"https://127.0.0.1:{self.https_port}{path}", headers={"Host": self.host})
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def live_release(self) -> str | None:
        """The number that `current` points to."""
        link = self.deploy_path / "current"
        return os.readlink(link).rsplit("/", 1)[-1] if link.is_symlink() else None

    def is_bad(self, release: int) -> bool:
        """Whether a release is marked as one not to go back to."""
        return (self.deploy_path / "releases" / str(release) / ".bad").exists()

    def releases(self) -> list[int]:
        """The numbers that are kept, ascending."""
        return sorted(int(path.name) for path in (self.deploy_path / "releases").iterdir())

    def stop(self) -> None:
        """End what was started here, by process id."""
        self._run_quietly("pm2", "kill")
        self._run_quietly("systemctl", "stop", f"{self.app_name}.service")
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=20)

    def _run_quietly(self, *command: str) -> None:
        path = shutil.which(command[0], path=str(self.root / "shims") + ":" + self.machine_path)
        home = self.root / "home"
        if path is None or (command[0] == "pm2" and not (home / ".pm2").exists()):
            return
        environment = {"HOME": str(home), "PATH": f"{self.root}/shims:{self.machine_path}", "PM2_HOME": f"{home}/.pm2"}
        environment["XDG_RUNTIME_DIR"] = f"{home}/run"
        subprocess.run([path, *command[1:]], env=environment, capture_output=True, check=False, timeout=60)

    def _moved_path(self, text: str) -> str:
        moved = text.replace(f"/srv/{self.app_name}", str(self.deploy_path))
        return moved.replace(ACME_ROOT, str(self.root / "acme"))

    def listens(self, port: int) -> bool:
        """Whether something answers on a port of loopback."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def _moved(self, entry: Directive) -> Directive:
        if entry.name == "listen":
            ports = {"80": self.http_port, "443": self.https_port}
            address, _, port = entry.args[0].rpartition(":")
            here = f"{address}:{ports.get(port, port)}" if address else str(ports.get(port, port))
            return replace(entry, args=(here, *entry.args[1:]))
        replaced = {"ssl_certificate": "certificate.pem", "ssl_certificate_key": "certificate.key"}
        if entry.name in replaced:
            return replace(entry, args=(str(self.root / replaced[entry.name]),))
        args = tuple(self._moved_path(argument) for argument in entry.args)
        inside = None if entry.block is None else tuple(self._moved(inner) for inner in entry.block)
        return Directive(entry.name, args, inside)


def start(root: Path, *, host: str, app_name: str, machine_path: str, unit_runner: str | None) -> Server:
    """Start sshd and nginx below `root`; `unit_runner` is the program that stands in for systemctl."""
    root.chmod(0o755)
    for name in ("srv", "acme", "home", "home/run", "sites", "shims"):
        (root / name).mkdir()
    ports = [free_port() for _ in range(3)]
    _keys(root, host)
    _shims(root, machine_path, unit_runner)
    (root / "home" / ".curlrc").write_text(
        f'resolve = "{host}:{ports[2]}:127.0.0.1"\ncacert = "{root}/certificate.pem"\n'
    )
    (root / "sshd_config").write_text(SSHD.format(port=ports[0], root=root))
    user = "user www-data;\n" if os.geteuid() == 0 else ""
    (root / "nginx.conf").write_text(NGINX.format(root=root, user=user))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    log = (root / "sshd.log").open("wb")
    with log:
        processes = [
            subprocess.Popen([sshd, "-D", "-e", "-f", str(root / "sshd_config")], stdout=log, stderr=log),
            subprocess.Popen([nginx, "-c", str(root / "nginx.conf")], stdout=log, stderr=log),
        ]
    server = Server(root, host, app_name, machine_path, ports[0], ports[1], ports[2], processes)
    wait_until(lambda: server.listens(ports[0]))
    wait_until((root / "nginx.pid").exists)
    return server


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return once the condition holds. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the server did not come up")
        time.sleep(0.05)


def _keys(root: Path, host: str) -> None:
    for name in ("host_key", "client_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)], check=True)
    shutil.copy(root / "client_key.pub", root / "authorized_keys")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    command += ["-keyout", str(root / "certificate.key"), "-out", str(root / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)


def _shims(root: Path, machine_path: str, unit_runner: str | None) -> None:
    shims = root / "shims"
    texts = {"sudo": '#!/bin/sh\nexec "$@"\n'}
    if unit_runner:
        # It keeps there which process belongs to which unit, and all servers have units of the same names.
        texts["systemctl"] = f'#!/bin/sh\nTMPDIR={root}/home/run exec {unit_runner} --user "$@"\n'
    for name, text in texts.items():
        (shims / name).write_text(text)
        (shims / name).chmod(0o755)
    shell = root / "shell"
    shell.write_text(SHELL.format(home=root / "home", path=f"{shims}:{machine_path}"))
    shell.chmod(0o755)


def answers_of(body: str) -> dict[str, str]:
    """The JSON object in a body."""
    found: dict[str, str] = json.loads(body)
    return found
