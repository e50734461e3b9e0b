"""The life of a repository, for each kind of project: after every step its file is exactly what it should be."""

from __future__ import annotations

import json
import re

import pytest

from service.configs import document
from service.projects.detector import detect
from service.simulator import Repository
from tests.regeneration.conftest import FILE, Stage, open_requests, text_of
from tests.regeneration.generated import KINDS, files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

Change = dict[str, str | bytes | None]

MINE = "    # Ours: tells the harbour master.\n    tell:\n      - step: {name: Tell, script: [make tell]}  # by hand\n"
OPTIONS = ("options:\n  max-time: 20\n", "options:\n  max-time: 20  # ours: the tests are slow on Mondays\n")


# The first kinds of the contract's list, in its order.
FIRST = ("react", "vue", "angular", "django", "flask", "fastapi", "node", "express", "nextjs", "docker", "fullstack")

# What a newer framework looks like, in the file that names it. Plain Node has none, nor do bare pages.
FRAMEWORKS = {
    "angular": ("package.json", '"@angular/core": "21.2.20"', '"@angular/core": "22.0.1"'),
    "django": ("requirements.txt", "django==5.2.4", "django==6.0.1"),
    "docker": ("Dockerfile", "FROM debian:12-slim", "FROM debian:13-slim"),
    "express": ("package.json", '"express": "5.1.0"', '"express": "6.0.0"'),
    "fastapi": ("requirements.txt", "fastapi==0.116.1", "fastapi==1.0.0"),
    "flask": ("requirements.txt", "flask==3.1.1", "flask==4.0.0"),
    "fullstack": ("frontend/package.json", '"react": "19.1.0"', '"react": "20.0.0"'),
    "nextjs": ("package.json", '"next": "15.3.5"', '"next": "16.0.1"'),
    "react": ("package.json", '"react": "19.1.0"', '"react": "20.0.0"'),
    "vue": ("package.json", '"vue": "3.5.17"', '"vue": "4.0.0"'),
}

LATER = dict(zip(KINDS, (*KINDS[1:], KINDS[0]), strict=True))


def lock_file(kind: str) -> Change:
    """Another package manager, where the kind has one to choose."""
    files = files_of(kind)
    if kind == "fullstack":
        return {"frontend/package-lock.json": None, "frontend/pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}
    if "package.json" in files:
        return {"package-lock.json": None, "pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}
    if "requirements.txt" in files:
        return {"requirements.txt": files["requirements.txt"] + b"pytest-cov\n", "uv.lock": "version = 1\n"}
    return {}


def runtime(kind: str, node: str, python: str) -> Change:
    """Another runtime, as the repository states it, where it has one."""
    files = files_of(kind)
    if kind == "fullstack":
        return {"frontend/.nvmrc": f"{node}\n"}
    if "package.json" in files:
        return {".nvmrc": f"{node}\n"}
    if "requirements.txt" in files:
        return {".python-version": f"{python}\n"}
    return {}


class Life:
    """One repository with its pipeline, and what must hold whenever somebody has done something."""

    def __init__(self, stage: Stage, repository: Repository, number: int) -> None:
        self.stage, self.repository, self.number = stage, repository, number
        self.mine: list[str] = []
        self.overwritten: list[str] = []
        self.told: list[str] = []

    async def merge(self) -> None:
        if open_requests(self.repository):
            await self.stage.merge(self.repository)

    async def push(self, files: Change) -> None:
        if files:
            await self.stage.push(self.repository, files)
        await self.merge()
        await self.holds()

    async def edit(self, *changes: tuple[str, str]) -> None:
        """The first place that reads as the one side of a change is made to read as the other."""
        text = before = text_of(self.repository)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        self.mine += [line for line in text.splitlines() if line not in before.splitlines()]
        self.overwritten += [line for line in before.splitlines() if line not in text.splitlines()]
        await self.push({FILE: text})

    async def holds(self) -> None:
        """What is generated is there, and every line of a person's."""
        newest = await self.stage.newest(self.number)
        there = text_of(self.repository).splitlines()
        assert newest["delivered"] == "delivered", newest
        assert [line for line in self.mine if line not in there] == []
        missing = [line for line in newest["files"][FILE].splitlines() if line.strip() and line not in there]
        self.told += [one["ours"] or "" for one in newest["conflicts"]]
        told = "\n".join(self.told)
        assert [line for line in missing if line not in self.overwritten and line.strip() not in told] == []
        if not self.mine:
            assert text_of(self.repository) == newest["files"][FILE]
        document.read(text_of(self.repository))
        assert open_requests(self.repository) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", ["pull_request", "commit"])
async def test_a_life(stage: Stage, kind: str, policy: str) -> None:
    repository, number = await stage.generate("life", files_of(kind), config_delivery=policy)
    life = Life(stage, repository, number)

    # the first push
    await life.merge()
    await life.holds()
    first = text_of(repository)

    # another lock file, another runtime, another framework
    await life.push(lock_file(kind))
    await life.push(runtime(kind, "24", "3.13"))
    if kind in FRAMEWORKS:
        path, old, new = FRAMEWORKS[kind]
        before = text_of(repository, path)
        assert old in before
        await life.push({path: before.replace(old, new)})
        assert new in text_of(repository, path)
    known = len(await stage.revisions(number))
    assert known > 1 or kind == "static"

    # a person's edit: a pipeline of his own, a comment
    await life.edit(OPTIONS, ("  custom:\n", f"  custom:\n{MINE}"))
    assert len(await stage.revisions(number)) == known

    # a setting; his lines stay
    answer = await stage.penstock.client.put(f"/api/pipelines/{number}", json={"subdomain": "new"})
    assert answer.status_code == 200, answer.text
    await stage.quiet()
    await life.push({})
    assert "new-shop-example-com" in text_of(repository)
    known += 1

    # a conflict: he changes what is generated, and it is generated anew
    image = re.search(r"(?m)^image: (.*)$", text_of(repository))
    assert image is not None
    await life.edit((image[0], "image: registry.example.com/ours:1"))
    await life.push(runtime(kind, "20", "3.12"))
    newest = await stage.newest(number)
    if newest["revision"] > known:
        assert [one["where"] for one in newest["conflicts"]] == ["image"]
        known = newest["revision"]
    assert text_of(repository).count("registry.example.com/ours:1") == 1

    # a conflict inside a script: he changes the address of the server, and it is set to another one
    await life.edit(("SSH_HOST:-203.0.113.5}", "SSH_HOST:-198.51.100.9}"))
    await stage.penstock.client.put(f"/api/pipelines/{number}", json={"server_ip": "203.0.113.6"})
    await stage.quiet()
    await life.push({})
    known += 1
    newest = await stage.newest(number)
    assert newest["revision"] == known
    assert [one["where"] for one in newest["conflicts"]] == ["definitions › scripts › settings-production"]
    assert "203.0.113.6" not in text_of(repository)

    # a forced push changes nothing that is generated
    await repository.force_push(repository.refs.main)
    await stage.quiet()
    await life.push({})
    assert len(await stage.revisions(number)) == known

    # a revert of the whole file, a rename, a transfer
    await stage.push(repository, {FILE: first})
    assert text_of(repository) == first
    await repository.rename("another-life")
    await stage.quiet()
    assert text_of(repository) == first
    assert (await stage.penstock.get(f"/api/pipelines/{number}"))["repository"]["slug"] == "another-life"


def test_every_kind_has_a_life() -> None:
    assert {detect(files_of(kind), files_of(kind)).type for kind in KINDS} >= set(FIRST)


@pytest.mark.parametrize(("before", "after"), LATER.items())
async def test_another_kind_of_project_keeps_a_persons_lines(stage: Stage, before: str, after: str) -> None:
    repository, number = await stage.generate("life", files_of(before))
    life = Life(stage, repository, number)
    await life.merge()
    await life.edit(("  custom:\n", f"  custom:\n{MINE}"))

    await life.push({**dict.fromkeys(files_of(before)), **files_of(after)})

    pipeline = await stage.penstock.get(f"/api/pipelines/{number}")
    assert (pipeline["project_type"], pipeline["detection"]["type"]) == (after, after)
    assert json.dumps(pipeline["detection"]["evidence"])
    assert MINE in text_of(repository)


async def test_what_penstock_wrote_tells_no_kind_of_project(stage: Stage) -> None:
    go = {"go.mod": "module example.com/till\n\ngo 1.23\n", "main.go": "package main\n\nfunc main() {}\n"}
    repository, number = await stage.generate("till", go, config_delivery="commit")
    assert "Dockerfile" in repository.head().files

    await stage.push(repository, {"go.mod": "module example.com/till\n\ngo 1.24\n"})

    pipeline = await stage.penstock.get(f"/api/pipelines/{number}")
    assert pipeline["project_type"] == "go"
    assert "Dockerfile" in repository.head().files
