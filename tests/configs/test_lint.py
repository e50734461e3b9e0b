"""The lint finds what the official schema lets pass."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from service.configs import document, lint
from tests.configs.projects import made

Change = Callable[[dict[str, Any]], object]

SOUND = document.read(made("express").pipelines_yml)
KNOWN = frozenset(variable.name for variable in made("express").variables)


def build(data: dict[str, Any]) -> dict[str, Any]:
    step: dict[str, Any] = data["pipelines"]["branches"]["main"][0]["step"]
    return step


def deploy(data: dict[str, Any]) -> dict[str, Any]:
    step: dict[str, Any] = data["pipelines"]["branches"]["main"][-1]["step"]
    return step


def add(item: object) -> Change:
    return lambda data: build(data)["script"].append(item)


MISTAKES: dict[str, tuple[Change, str]] = {
    "misspelt key of the file": (lambda data: data.update(pipeline={}), "pipeline is no key of file"),
    "misspelt key of a step": (lambda data: build(data).update(scripts=["x"]), "scripts is no key of step"),
    "no script": (lambda data: build(data).update(script=[]), "needs a script"),
    "undefined cache": (lambda data: build(data).update(caches=["nothing"]), "cache nothing is not defined"),
    "node cache": (lambda data: build(data).update(caches=["node"]), "npm ci deletes"),
    "undefined service": (lambda data: build(data).update(services=["mysql"]), "service mysql is not defined"),
    "latest image": (lambda data: build(data).update(image="node:latest"), "no fixed version"),
    "manual first step": (lambda data: build(data).update(trigger="manual"), "must not be manual"),
    "deployment twice": (lambda data: build(data).update(deployment="Production"), "deployed to twice"),
    "deployment first": (lambda data: build(data).update({"deployment": "other", "max-time": 5}), "after every build"),
    "no max-time": (lambda data: deploy(data).pop("max-time"), "max-time"),
    "condition": (lambda data: deploy(data).update(condition={}), "skipped for good"),
    "no clone": (lambda data: deploy(data).update(clone={"enabled": False}), "no artifacts"),
    "templating": (add("echo ${{NAME}}"), "own templating"),
    "map for text": (add({"echo": "done"}), "not a text"),
    "chain": (add("cd nowhere && npm ci"), "one command an item"),
    "semicolon": (add("cd nowhere; npm ci"), "one command an item"),
    "passed over": (add("npm test || true"), "passed over"),
    "pipe": (add("npm test | tee log"), "pipefail"),
    "unknown variable": (add('echo "$NOWHERE"'), "$NOWHERE comes from nowhere"),
    "server in a build": (add('echo "$SSH_HOST"'), "in deployments alone"),
    "trusting any key": (add("ssh -o StrictHostKeyChecking=no host"), "key must be checked"),
    "fetching the key": (add("ssh-keyscan host"), "proves nothing"),
    "running the network": (add("curl https://example.com/x.sh | sh"), "run unseen"),
    "open files": (add("chmod 777 dist"), "writable"),
    "tracing": (add("set -x"), "prints secrets"),
    "unguarded removal": (add('rm -rf "$PLACE/dist"'), "from the root"),
    "sudo": (add("sudo apt-get install rsync"), "no more"),
    "open heredoc": (add("cat <<END\n$HOME\nEND\n"), "delimiter must be quoted"),
}


def test_what_is_generated_is_sound() -> None:
    assert list(lint.findings(SOUND, KNOWN)) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake: str) -> None:
    change, words = MISTAKES[mistake]
    data = copy.deepcopy(SOUND)
    change(data)

    found = list(lint.findings(data, KNOWN))

    assert any(words in finding for finding in found), found


def test_a_pull_request_that_deploys_is_found() -> None:
    data = copy.deepcopy(SOUND)
    data["pipelines"]["pull-requests"]["**"].append({"step": copy.deepcopy(deploy(data))})

    assert any("must not deploy" in finding for finding in lint.findings(data, KNOWN))


def test_a_guard_that_is_missing_is_found() -> None:
    data = copy.deepcopy(SOUND)
    deploy(data)["script"] = [item.replace("DEPLOY_PATH:?", "DEPLOY_PATH:-") for item in deploy(data)["script"]]

    assert any("without a guard" in finding for finding in lint.findings(data, KNOWN))
