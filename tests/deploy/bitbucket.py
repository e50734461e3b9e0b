"""Runs the steps of a pipelines file with bash, as Bitbucket would: a clean clone, a clean home, what was handed on.

Each item is run as Atlassian describes it: `set -e`, the command printed, then the command. The step sees a read-only
machine, its clone, a home of its own with the caches in it, its variables; nothing of the run before it.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.configs import document, lint

CLONE = "/mnt/build"
HOME = "/mnt/home"


@dataclass(frozen=True)
class StepResult:
    """What one step did: its name, its exit status, what it printed."""

    name: str
    status: int
    log: str


@dataclass
class Repository:
    """A git repository whose pipelines run here. `machine_path` is the PATH of the images; `docker` a directory with
    the client that steps have which ask for the service of that name."""

    directory: Path
    work: Path
    machine_path: str
    variables: dict[str, str] = field(default_factory=dict)
    deployment_variables: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    build_number: int = 0
    docker: Path | None = None
    _text: str | None = None

    def commit(self, message: str) -> None:
        """Commit everything that is in the directory."""
        if not (self.directory / ".git").exists():
            self._git("init", "--quiet", "--initial-branch=main")
        self._git("add", "--all")
        self._git("-c", "user.name=Sample", "-c", "user.email=sample@example.com", "commit", "--quiet", "-m", message)

    def push(self, branch: str = "main") -> list[StepResult]:
        """Run the pipeline of a branch, as after a push; ends after the first step that fails."""
        self.build_number += 1
        return self.run(self._pipelines()["branches"][branch], number=self.build_number)

    def redeploy(self, number: int, branch: str = "main") -> list[StepResult]:
        """Run the pipeline of a branch again under the number that it had."""
        return self.run(self._pipelines()["branches"][branch], number=number)

    def rollback(self, release: str = "previous", name: str = "rollback") -> list[StepResult]:
        """Run the custom pipeline that rolls back."""
        self.build_number += 1
        items = self._pipelines()["custom"][name]
        return self.run(items, number=self.build_number, chosen={"RELEASE": release})

    def on_demand(
        self, text: str, custom: str, *, commit: str, chosen: Mapping[str, str] | None = None
    ) -> list[StepResult]:
        """Run a custom pipeline of a text in place of the file, at a commit."""
        self.build_number += 1
        self._text = text
        self._git("checkout", "--quiet", commit)
        try:
            return self.run(self._pipelines()["custom"][custom], number=self.build_number, chosen=chosen)
        finally:
            self._text = None
            self._git("checkout", "--quiet", "main")

    def head(self) -> str:
        """The hash of the newest commit."""
        command = ["git", "-C", str(self.directory), "rev-parse", "HEAD"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def run(self, items: list[Any], *, number: int, chosen: Mapping[str, str] | None = None) -> list[StepResult]:
        """Run a pipeline's items."""
        artifacts = self.work / f"artifacts-{number}"
        shutil.rmtree(artifacts, ignore_errors=True)
        artifacts.mkdir(parents=True)
        results: list[StepResult] = []
        for step in lint.steps_of(items):
            results.append(self._step(step, number, artifacts, dict(chosen or {})))
            for secret in self.secrets:
                assert secret not in results[-1].log, f"{step['name']} printed a secret"
            if results[-1].status:
                break
        return results

    def _step(self, step: Mapping[str, Any], number: int, artifacts: Path, chosen: dict[str, str]) -> StepResult:
        place = self.work / "step"
        shutil.rmtree(place, ignore_errors=True)
        clone, home = place / "build", place / "home"
        home.mkdir(parents=True)
        if step.get("clone", {}).get("enabled", True):
            subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{self.directory}", clone], check=True)
        else:
            clone.mkdir()
        wanted = step.get("artifacts", {})
        if wanted.get("download", True) and step.get("clone", {}).get("enabled", True):
            shutil.copytree(artifacts, clone, dirs_exist_ok=True)
        npmrc = Path.home() / ".npmrc"
        if npmrc.exists():
            shutil.copy(npmrc, home)
        script = place / "script.sh"
        script.write_text(_script(step["script"]))
        finished = self._run(step, number, place, chosen)
        if finished.returncode == 0:
            for pattern in wanted.get("paths", []):
                found = sorted(clone.glob(pattern))
                assert found, f"{step['name']}: nothing matches the artifact {pattern}"
                for path in found:
                    shutil.copy2(path, artifacts / path.relative_to(clone))
        return StepResult(step["name"], finished.returncode, finished.stdout)

    def _run(
        self, step: Mapping[str, Any], number: int, place: Path, chosen: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        command = [
            "bwrap",
            "--ro-bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "--unshare-pid",
            "--die-with-parent",
        ]
        command += ["--tmpfs", "/tmp", "--tmpfs", "/mnt", "--bind", str(place / "build"), CLONE]
        command += ["--bind", str(place / "home"), HOME, "--ro-bind", str(place / "script.sh"), "/mnt/script.sh"]
        for name in step.get("caches", []):
            inside = self._cache_path(name)
            kept = self.work / "caches" / self._cache_key(name)
            kept.mkdir(parents=True, exist_ok=True)
            command += ["--bind", str(kept), inside]
        command += ["--chdir", CLONE, "--clearenv"]
        for name, value in self._environment(step, number, chosen).items():
            command += ["--setenv", name, value]
        limit = step.get("max-time", 20) * 60
        return subprocess.run(
            [*command, "/bin/bash", "/mnt/script.sh"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit,
            check=False,
        )

    def _environment(self, step: Mapping[str, Any], number: int, chosen: dict[str, str]) -> dict[str, str]:
        environment = {
            "CI": "true",
            "HOME": HOME,
            "PATH": f"{HOME}/.local/bin:{self.machine_path}",
            # A python image lets pip write; this machine's Python, being Debian's, sends it to the home.
            "PIP_USER": "1",
            "PIP_BREAK_SYSTEM_PACKAGES": "1",
            "LANG": "C.UTF-8",
            "BITBUCKET_BUILD_NUMBER": str(number),
            "BITBUCKET_CLONE_DIR": CLONE,
            "BITBUCKET_BRANCH": "main",
            "BITBUCKET_REPO_SLUG": "sample",
            **_registries(),
            **self.variables,
        }
        if "docker" in step.get("services", []):
            environment["PATH"] = f"{self.docker}:{environment['PATH']}"
        if "deployment" in step:
            environment |= self.deployment_variables
        return environment | chosen

    def _pipelines(self) -> dict[str, Any]:
        pipelines: dict[str, Any] = self._file()["pipelines"]
        return pipelines

    def _file(self) -> dict[str, Any]:
        text = self._text or (self.directory / "bitbucket-pipelines.yml").read_text()
        made: dict[str, Any] = document.read(text)
        return made

    def _cache_path(self, name: str) -> str:
        cache = self._file()["definitions"]["caches"][name]
        path = cache if isinstance(cache, str) else cache["path"]
        return path.replace("~", HOME, 1) if path.startswith("~") else f"{CLONE}/{path}"

    def _cache_key(self, name: str) -> str:
        cache = self._file()["definitions"]["caches"][name]
        digest = hashlib.sha256(name.encode())
        for file in [] if isinstance(cache, str) else cache["key"]["files"]:
            digest.update((self.directory / file).read_bytes())
        return digest.hexdigest()[:16]

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", str(self.directory), *arguments], check=True)


def _script(items: list[str]) -> str:
    lines = ["#!/bin/bash", "set -e"]
    for item in items:
        lines += [f"printf '+ %s\\n' {shlex.quote(item)}", item.rstrip("\n"), "printf '\\n'"]
    return "\n".join(lines) + "\n"


def _registries() -> dict[str, str]:
    # Where this machine gets its packages from, when it says so by environment variables.
    names = (
        "PIP_",
        "npm_config_",
        "NPM_CONFIG_",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "SSL_CERT_",
        "NODE_EXTRA_CA_CERTS",
    )
    return {name: value for name, value in os.environ.items() if name.startswith(names)}
