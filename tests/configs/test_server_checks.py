"""What every generated nginx file, certificate script, Dockerfile, unit holds to."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

import msgspec
import pytest

from service.configs import Request, generate
from service.configs.nginx.reading import read
from service.configs.nginx.tree import Directive
from service.projects.model import Alternative
from tests.configs.projects import PROJECTS, REQUEST, TEMPLATES, made
from tests.configs.tools import need, run

EVERY = pytest.mark.parametrize("name", PROJECTS)
HEADERS = {
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Permissions-Policy",
    "Content-Security-Policy-Report-Only",
}
NEW_NGINX = Request(domain="example.com", nginx_version="1.26", openssl_version="3.5")


def flat(tree: tuple[Directive, ...]) -> list[Directive]:
    """Every directive, those inside blocks included."""
    found = []
    for entry in tree:
        found += [entry, *flat(entry.block or ())]
    return found


def named(tree: tuple[Directive, ...], name: str) -> list[tuple[str, ...]]:
    return [entry.args for entry in flat(tree) if entry.name == name]


def write_configuration(directory: Path, texts: dict[str, str], *, certificates: bool) -> Path:
    """A whole configuration around site files; the certificate's paths are replaced by one that exists."""
    if certificates:
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "2", "-subj", "/CN=app.example.com"]
        command += ["-keyout", str(directory / "key.pem"), "-out", str(directory / "chain.pem")]
        subprocess.run(command, check=True, capture_output=True)
    included = []
    for name, text in texts.items():
        moved = re.sub(r"/etc/letsencrypt/live/[^/]+/fullchain", str(directory / "chain"), text)
        moved = re.sub(r"/etc/letsencrypt/live/[^/]+/privkey", str(directory / "key"), moved)
        (directory / name).write_text(moved)
        included.append(f"    include {directory / name};\n")
    whole = directory / "nginx.conf"
    head = f"worker_processes auto;\npid {directory}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
    whole.write_text(f"{head}http {{\n    access_log off;\n{''.join(included)}}}\n")
    return whole


def site_files(name: str, request: Request = REQUEST) -> dict[str, str]:
    return {
        path.replace("nginx/", ""): text
        for path, text in made(name, request).files
        if re.fullmatch(r"nginx/[^/]+\.conf", path)
    }


@EVERY
def test_14_nginx_takes_the_site_without_a_warning(name: str, tmp_path: Path) -> None:
    version = run("nginx", "-v").stderr
    request = NEW_NGINX if re.search(r"nginx/1\.(2[6-9]|[3-9])", version) else REQUEST

    checked = run("nginx", "-t", "-c", str(write_configuration(tmp_path, site_files(name, request), certificates=True)))

    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


@EVERY
def test_14_a_newer_nginx_takes_the_site_without_a_warning(name: str) -> None:
    root = os.environ.get("PENSTOCK_TEST_TRIXIE_ROOT", "").rstrip("/")
    if not root:
        pytest.skip("this needs a Debian 13 with nginx below PENSTOCK_TEST_TRIXIE_ROOT (debootstrap)")
    with tempfile.TemporaryDirectory(dir=f"{root}/tmp") as place:
        whole = write_configuration(Path(place), site_files(name, NEW_NGINX), certificates=True)
        for file in Path(place).glob("*.conf"):
            file.write_text(file.read_text().replace(root, ""))

        checked = run("chroot", root, "nginx", "-t", "-c", str(whole).removeprefix(root))

    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


def test_14_the_bootstrap_site_needs_no_certificate_and_serves_the_challenge(tmp_path: Path) -> None:
    text = dict(made("react").files)["nginx/bootstrap/app.example.com.conf"]

    checked = run("nginx", "-t", "-c", str(write_configuration(tmp_path, {"site.conf": text}, certificates=False)))

    assert checked.returncode == 0, checked.stderr
    assert ("^~", "/.well-known/acme-challenge/") in named(read(text), "location")


@EVERY
def test_15_gixy_finds_nothing_of_medium_weight(name: str, tmp_path: Path) -> None:
    whole = write_configuration(tmp_path, site_files(name), certificates=True)

    checked = run("gixy-next", "-ll", "--skips", "proxy_buffering_off", str(whole))

    assert checked.returncode == 0, checked.stdout


@EVERY
def test_15_a_location_that_adds_a_header_repeats_all_of_them(name: str) -> None:
    site = next(
        server for server in read(made(name).nginx_config) if ("443", "ssl", "http2") in named((server,), "listen")
    )

    for holder in [site, *(entry for entry in flat((site,)) if entry.name == "location")]:
        own = {entry.args[0] for entry in holder.block or () if entry.name == "add_header"}
        assert not own or own >= HEADERS


@EVERY
def test_16_tls_is_mozillas_intermediate_profile_in_the_syntax_of_the_version(name: str) -> None:
    old, new = read(made(name).nginx_config), read(made(name, NEW_NGINX).nginx_config)

    for tree in (old, new):
        assert named(tree, "ssl_protocols") == [("TLSv1.2", "TLSv1.3")]
        assert not named(tree, "ssl_stapling")
        assert not named(tree, "ssl_dhparam")
    assert ("443", "ssl", "http2") in named(old, "listen")
    assert not named(old, "http2")
    assert ("443", "ssl") in named(new, "listen")
    assert named(new, "http2") == [("on",)]
    assert named(old, "ssl_ecdh_curve") == [("X25519:prime256v1:secp384r1",)]
    assert named(new, "ssl_ecdh_curve") == [("X25519MLKEM768:X25519:prime256v1:secp384r1",)]


def test_16_the_catch_all_has_the_tls_settings_and_two_sites_load_beside_it(tmp_path: Path) -> None:
    other = Request(domain="example.org", port=9000)
    files = site_files("express") | site_files("fullstack", other)

    checked = run("nginx", "-t", "-c", str(write_configuration(tmp_path, files, certificates=True)))

    assert set(files) == {"app.example.com.conf", "example.org.conf", "catch-all.conf"}
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    assert named(read(files["catch-all.conf"]), "ssl_protocols") == [("TLSv1.2", "TLSv1.3")]


@pytest.mark.parametrize("name", ["docker-without-file", "docker-node"])
def test_17_a_dockerfile_has_stages_a_numeric_user_and_no_error_of_hadolint(name: str) -> None:
    text = dict(made(name).files)["Dockerfile"]

    checked = run("hadolint", "--failure-threshold", "error", "-", text=text)

    assert checked.returncode == 0, checked.stdout
    assert text.count("\nFROM ") + text.startswith("FROM ") >= 2
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", text, re.MULTILINE)
    assert ".env*" in dict(made(name).files)[".dockerignore"]


def test_17_a_dockerfile_that_is_there_is_left_alone() -> None:
    passed_over = (Alternative(type="docker", confidence=0.8, because="Dockerfile says FROM python:3.12"),)
    flask = msgspec.structs.replace(PROJECTS["docker-without-file"], alternatives=passed_over)

    assert "Dockerfile" not in dict(made("docker").files)
    assert "Dockerfile" not in dict(generate(flask, REQUEST, TEMPLATES).files)


@pytest.mark.parametrize("name", ["flask", "fastapi", "django", "fullstack"])
def test_17_systemd_takes_the_unit(name: str, tmp_path: Path) -> None:
    text = dict(made(name).files)["systemd/app-example-com.service"]
    # What it starts must exist for the check, and so must the user.
    moved = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    moved = moved.replace("=deploy", "=root")
    (tmp_path / "app-example-com.service").write_text(moved)

    checked = run("systemd-analyze", "verify", str(tmp_path / "app-example-com.service"))

    assert "app-example-com" not in checked.stderr, checked.stderr


@pytest.mark.parametrize("name", ["express", "node", "nextjs"])
def test_17_node_loads_the_file_for_pm2_and_it_reads_the_shared_variables(name: str, tmp_path: Path) -> None:
    release = tmp_path / "releases" / "7"
    release.mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    (tmp_path / "current").symlink_to("releases/7")
    (release / "REVISION").write_text("7\n")
    (tmp_path / "shared" / ".env").write_text('A="x \\"y\\" \\$z"\nB=plain text\n# C=no\n')
    (tmp_path / "shared" / ".env.pipeline").write_text("B='wins'\n")
    file = release / "ecosystem.config.cjs"
    file.write_text(dict(made(name).files)["pm2/ecosystem.config.cjs"])
    ask = f"const {{env, cwd}} = require({str(file)!r}).apps[0];"
    ask += "console.log([env.A, env.B, env.RELEASE, env.C, cwd].join('|'))"

    asked = run("node", "-e", ask)

    assert asked.stdout.strip().rstrip("/") == f'x "y" $z|wins|7||{tmp_path}/current'


@EVERY
def test_18_certbot_asks_for_every_name_by_the_webroot_that_nginx_serves(name: str) -> None:
    generated = made(name)
    assert generated.certbot_command is not None
    words = shlex.split(generated.certbot_command)

    assert words[:3] == ["sudo", "certbot", "certonly"]
    names = {argument for args in named(read(generated.nginx_config), "server_name") for argument in args}
    assert {words[index + 1] for index, word in enumerate(words) if word == "-d"} == names
    assert ("/var/www/letsencrypt",) in named(read(generated.nginx_config), "root")
    assert words[words.index("-w") + 1] == "/var/www/letsencrypt"
    assert "--non-interactive" in words
    assert words[words.index("--deploy-hook") + 1] == "systemctl reload nginx"


def test_18_certbot_takes_the_command(tmp_path: Path) -> None:
    need("certbot")
    command = made("react").certbot_command
    assert command is not None
    arguments = [word.replace("/var/www/letsencrypt", str(tmp_path)) for word in shlex.split(command)[2:]]
    places = ["--config-dir", str(tmp_path), "--work-dir", str(tmp_path), "--logs-dir", str(tmp_path)]

    # Nothing listens there: certbot has read its arguments by the time it says so.
    asked = run("certbot", *arguments, *places, "--server", "https://127.0.0.1:1/dir")

    assert "unrecognized arguments" not in asked.stderr
    assert "127.0.0.1" in asked.stderr


def test_18_the_script_is_one_that_a_shell_reads() -> None:
    text = dict(made("react").files)["certbot.sh"]

    checked = run("shellcheck", "-", text=text)

    assert checked.returncode == 0, checked.stdout
    assert made("react").certbot_command in text.splitlines()
