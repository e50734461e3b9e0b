"""The wheel holds what the checkout holds, and the README names what it needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("service", "handlers", "templates")

# What tools leave behind; hatchling leaves it out too, because .gitignore names it.
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that a build changes nothing in the checkout, nor an edit what it is compared with."""
    copy = tmp_path_factory.mktemp("checkout")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=LEFTOVERS)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> zipfile.ZipFile:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    built = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stderr
    [path] = (checkout / "dist").glob("penstock-*.whl")
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_holds_the_checkouts_files_byte_for_byte(
    checkout: Path, wheel: zipfile.ZipFile, package: str
) -> None:
    files = {path.relative_to(checkout).as_posix() for path in (checkout / package).rglob("*") if path.is_file()}
    packed = {name for name in wheel.namelist() if name.startswith(f"{package}/")}

    assert sorted(packed) == sorted(files)
    assert [name for name in packed if wheel.read(name) != (checkout / name).read_bytes()] == []


def test_the_wheel_holds_nothing_else_and_the_command(wheel: zipfile.ZipFile) -> None:
    [about] = {name.partition("/")[0] for name in wheel.namelist() if not name.startswith(PACKAGES)}

    assert re.fullmatch(r"penstock-[\d.a-z]+\.dist-info", about)
    assert "penstock = service.__main__:main" in wheel.read(f"{about}/entry_points.txt").decode()
    assert "Requires-Python: >=3.11" in wheel.read(f"{about}/METADATA").decode()


def names(requirements: list[str]) -> list[str]:
    return [re.split(r"[\[<>=;! ]", requirement, maxsplit=1)[0] for requirement in requirements]


def test_the_readme_gives_a_reason_for_every_dependency_and_for_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    _, section = (ROOT / "README.md").read_text(encoding="utf-8").split("## What it is built on\n")

    rows = re.findall(r"^\| `([\w-]+)` \| (\S.*) \|$", section.partition("\n## ")[0], re.MULTILINE)

    optional = project["optional-dependencies"]
    extras = names(optional["postgres"] + optional["redis"] + optional["apprise"])
    told = [name for name, _ in rows]
    assert [name for name in told if name not in extras] == names(project["dependencies"])
    assert len(told) == len(set(told))


def test_the_tests_need_what_the_extras_need() -> None:
    """So that `pip install -e '.[test]' && pytest` runs all of them."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

    assert set(extras["postgres"] + extras["redis"] + extras["sign-in"] + extras["apprise"]) <= set(extras["test"])


def test_every_dependency_states_the_lowest_version_that_works_and_none_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert [name for name in project["dependencies"] if ">=" not in name or "==" in name.partition(";")[0]] == []
