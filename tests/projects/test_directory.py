"""A directory on disk: what is read of it, what the command prints about it."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from service.cli import detect as command
from service.cli.errors import CommandFailed
from service.directory import read_directory
from service.projects.keyfiles import MAX_FILE_BYTES, MAX_KEY_FILES, MAX_LOCK_BYTES
from tests.projects.looking import REACT, Files


def write(directory: Path, files: Files) -> Path:
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(text if isinstance(text, bytes) else text.encode())
    return directory


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["detect", *words])


def test_key_files_are_read_and_the_others_only_listed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"package.json": REACT, "src/main.tsx": "x", "node_modules/react/package.json": "{}", "b.bin": b"\x00"},
    )

    paths, files = read_directory(tmp_path)

    assert paths == ["b.bin", "package.json", "src/main.tsx"]
    assert files == {"package.json": REACT.encode()}


def test_links_are_neither_followed_nor_listed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"package.json": REACT})
    inside = write(tmp_path / "inside", {"README.md": ""})
    (inside / "package.json").symlink_to(outside / "package.json")
    (inside / "app").symlink_to(outside, target_is_directory=True)
    (inside / "loop").symlink_to(inside, target_is_directory=True)

    assert read_directory(inside) == (["README.md"], {})


def test_what_is_no_regular_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "package.json")

    assert read_directory(tmp_path) == ([], {})


def test_reading_is_bounded(tmp_path: Path) -> None:
    write(tmp_path, {f"apps/a{i:03}/package.json": REACT for i in range(100)})
    write(tmp_path, {"package.json": b" " * (MAX_FILE_BYTES + 9), "yarn.lock": b"#" * (MAX_LOCK_BYTES + 9)})

    _, files = read_directory(tmp_path)

    assert len(files) == MAX_KEY_FILES
    assert (len(files["package.json"]), len(files["yarn.lock"])) == (MAX_FILE_BYTES, MAX_LOCK_BYTES)


def test_json_carries_the_agreed_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"package.json": REACT, "index.html": "", "src/main.tsx": "", ".nvmrc": "v20.1.0"})

    assert command.run(arguments(str(tmp_path), "--json")) == 0

    answer = json.loads(capsys.readouterr().out)
    expected = (
        "type confidence root evidence alternatives language package_manager runtime_version version_source "
        "install_command build_command test_command lint_command output_dir start_command app_object port services "
        "components warnings analysis_ms"
    )
    assert set(expected.split()) <= set(answer)
    assert (answer["type"], answer["runtime_version"], answer["version_source"]) == ("react", "20", ".nvmrc")
    assert answer["evidence"][0] == {"file": "package.json", "fact": "dependencies.react 1.0.0"}
    assert isinstance(answer["analysis_ms"], float)


def test_text_shows_the_answer_with_its_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        tmp_path,
        {
            "web/package.json": REACT,
            "web/index.html": "",
            "api/main.py": "from fastapi import FastAPI\napp = FastAPI()",
        },
    )

    command.run(arguments(str(tmp_path)))

    printed = capsys.readouterr().out
    assert printed.startswith("fullstack  ")
    assert "web  react, frontend" in printed
    assert "  application      main:app" in printed
    assert "because" in printed
    assert "\033" not in printed


def test_colour_only_marks_headings(tmp_path: Path) -> None:
    write(tmp_path, {"index.html": ""})

    lines = list(command.describe(command.detect_directory(tmp_path), colour=True))

    assert lines[0].startswith("\033[1mstatic\033[0m")
    assert not any("\033" in line for line in lines[1:])


@pytest.mark.parametrize("name", ["missing", "file.txt", "nul\0"])
def test_a_directory_that_cannot_be_read_is_one_clear_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").write_text("")

    with pytest.raises(CommandFailed, match=r"^cannot read .*: .*; give a directory that you may read$") as failure:
        command.run(arguments(str(tmp_path / name)))

    assert "\n" not in str(failure.value)
