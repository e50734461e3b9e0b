"""`penstock generate` writes the files, and says what to do with them."""

from __future__ import annotations

import argparse
import json
import shutil
import stat
from pathlib import Path

import pytest

from service.cli import generate as command
from service.cli.errors import CommandFailed

SAMPLES = Path(__file__).parents[1] / "samples"


def generate(project: Path, out: Path, *more: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["generate", str(project), "--out", str(out), *more])
    status: int = args.run(args)
    return status


def test_it_writes_the_four_files_and_what_the_server_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = generate(SAMPLES / "flask", tmp_path, "--domain", "shop.example.com", "--server", "203.0.113.9")

    assert status == 0
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {
        "bitbucket-pipelines.yml",
        "nginx/shop.example.com.conf",
        "nginx/bootstrap/shop.example.com.conf",
        "nginx/catch-all.conf",
        "certbot.sh",
        "systemd/shop-example-com.service",
        "systemd/shop-example-com.sudoers",
        "systemd/shop-example-com-site.service",
        "nginx/install/shop-example-com-site",
        "explain.json",
    }
    assert stat.S_IMODE((tmp_path / "certbot.sh").stat().st_mode) == 0o755
    assert 'SSH_HOST="${SSH_HOST:-203.0.113.9}"' in (tmp_path / "bitbucket-pipelines.yml").read_text()
    assert "SSH_PRIVATE_KEY*" in capsys.readouterr().out


def test_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        generate(SAMPLES / "react", tmp_path / name, "--domain", "example.org", "--env", "A=b", "--secret", "C")
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        texts.append([(path.relative_to(tmp_path / name), path.read_bytes()) for path in files])

    assert texts[0] == texts[1]


def test_explain_holds_the_evidence_and_every_decision_with_its_override(tmp_path: Path) -> None:
    generate(SAMPLES / "fullstack", tmp_path)

    explained = json.loads((tmp_path / "explain.json").read_text())

    assert explained["detection"]["type"] == "fullstack"
    assert "analysis_ms" not in explained["detection"]
    assert all(set(decision) == {"name", "value", "why", "override"} for decision in explained["decisions"])
    assert all(decision["why"] and decision["override"] for decision in explained["decisions"])


def test_without_a_domain_a_reserved_name_stands_in_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate(SAMPLES / "static", tmp_path)

    decisions = {entry["name"]: entry for entry in json.loads((tmp_path / "explain.json").read_text())["decisions"]}
    assert (tmp_path / "nginx" / "example.com.conf").exists()
    assert "no domain was given" in decisions["domain"]["why"]
    assert "No --domain was given" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--domain", "a b"], "--domain: not a host name"),
        (["--server", "x;y"], "--server: "),
        (["--port", "0"], "--port: not a port"),
        (["--port", "３０００"], "--port: not a port"),
        (["--env", "lower=x"], "--env: not a variable name"),
        (["--env", "NOVALUE"], "--env: not of the form NAME=VALUE"),
        (["--secret", "PATH"], "--secret: PATH is reserved"),
        (["--branch", "a b"], "--branch: not a branch"),
        (["--environment", "a/b"], "--environment: not an environment name"),
        (["--health-path", "health"], "--health-path: not a path"),
        (["--email", "me"], "--email: not an e-mail"),
        (["--nginx-version", "new"], "--nginx-version: not a version"),
        (["--type", "cobol"], "--type: nothing is generated for cobol"),
    ],
)
def test_a_wrong_value_is_named_by_its_option_and_nothing_is_written(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(CommandFailed, match=words.replace("(", r"\(")):
        generate(SAMPLES / "static", tmp_path / "out", *arguments)

    assert not (tmp_path / "out").exists()


def test_an_operators_template_is_used_before_the_one_that_ships(tmp_path: Path) -> None:
    own = tmp_path / "own" / "nginx"
    own.mkdir(parents=True)
    (own / "headers.conf").write_text("add_header X-Ours yes always;\n")

    generate(SAMPLES / "static", tmp_path / "out", "--domain", "example.org", "--templates", str(tmp_path / "own"))

    assert "add_header X-Ours yes always;" in (tmp_path / "out" / "nginx" / "example.org.conf").read_text()


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandFailed, match="choose another --out"):
        generate(SAMPLES / "static", tmp_path / "file" / "out")


def test_other_settings_replace_what_was_generated_before(tmp_path: Path) -> None:
    generate(SAMPLES / "express", tmp_path, "--domain", "example.org")
    generate(SAMPLES / "express", tmp_path, "--domain", "example.org", "--port", "8081")

    assert "127.0.0.1:8081" in (tmp_path / "nginx" / "example.org.conf").read_text()
    shutil.rmtree(tmp_path)
