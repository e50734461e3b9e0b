"""The certificate command gets a certificate from an ACME server, through the generated bootstrap site."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from service.configs.nginx.site import ACME_ROOT
from tests.configs.projects import made
from tests.configs.tools import need
from tests.deploy.conftest import HOST
from tests.deploy.server import Server, free_port, wait_until

pytestmark = pytest.mark.deploy


def test_18_certbot_gets_a_certificate_that_the_final_site_takes(server: Server, tmp_path: Path) -> None:
    certbot, pebble, names = need("certbot"), need("pebble"), need("pebble-challtestsrv")
    generated = made("express")
    assert generated.certbot_command is not None
    server.install_site(dict(generated.files)[f"nginx/bootstrap/{HOST}.conf"], encrypted=False)
    acme, dns = free_port(), free_port()
    certificate = _own_certificate(tmp_path)
    configuration = tmp_path / "pebble.json"
    configuration.write_text(
        json.dumps(
            {
                "pebble": {
                    "listenAddress": f"127.0.0.1:{acme}",
                    "managementListenAddress": f"127.0.0.1:{free_port()}",
                    "certificate": str(certificate),
                    "privateKey": str(tmp_path / "acme.key"),
                    "httpPort": server.http_port,
                    "tlsPort": server.https_port,
                }
            }
        )
    )
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    resolver = [names, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{dns}"]
    resolver += ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{free_port()}"]
    environment = os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    with (
        subprocess.Popen(resolver, **quiet) as resolving,
        subprocess.Popen(
            [pebble, "-config", str(configuration), "-dnsserver", f"127.0.0.1:{dns}"], env=environment, **quiet
        ) as issuing,
    ):
        try:
            wait_until(lambda: server.listens(acme))
            command = shlex.split(generated.certbot_command.replace(ACME_ROOT, str(server.root / "acme")))
            command[command.index("systemctl reload nginx")] = f"touch {tmp_path}/reloaded"
            places = ["--config-dir", str(tmp_path / "le"), "--work-dir", str(tmp_path), "--logs-dir", str(tmp_path)]
            asked = subprocess.run(
                [certbot, *command[2:], *places, "--server", f"https://127.0.0.1:{acme}/dir"],
                env=os.environ | {"REQUESTS_CA_BUNDLE": str(certificate)},
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
        finally:
            issuing.terminate()
            resolving.terminate()

    assert asked.returncode == 0, asked.stderr + asked.stdout
    assert (tmp_path / "reloaded").exists()
    live = tmp_path / "le" / "live" / HOST
    subject = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(live / "fullchain.pem")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"DNS:{HOST}" in subject.stdout


def _own_certificate(directory: Path) -> Path:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(directory / "acme.key"), "-out", str(directory / "acme.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return directory / "acme.pem"
