"""What must not stand in the script of a step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.configs.commands import HEREDOC

# https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
BUILT_IN = frozenset(
    {
        "CI", "HOME", "PATH", "PWD", "USER", "BITBUCKET_BUILD_NUMBER", "BITBUCKET_CLONE_DIR", "BITBUCKET_COMMIT",
        "BITBUCKET_BRANCH", "BITBUCKET_REPO_SLUG", "BITBUCKET_WORKSPACE", "BITBUCKET_EXIT_CODE",
    }
)  # fmt: skip
DEPLOYMENT_ONLY = re.compile(r"SSH_[A-Z_]+|DEPLOY_PATH")

_REFERENCE = re.compile(r"\$\{?([A-Z_][A-Z0-9_]*)")
_ASSIGNED = re.compile(r"\b(?:export |for |local |read -r )?([A-Z_][A-Z0-9_]*)=|\bfor ([A-Z_]+) in")
_GUARD = re.compile(r"\$\{([A-Z_][A-Z0-9_]*):\?")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")

_FORBIDDEN = (
    (re.compile(r"StrictHostKeyChecking=no"), "the server's key must be checked"),
    (re.compile(r"^\s*ssh-keyscan\b", re.MULTILINE), "a key fetched while deploying proves nothing"),
    (re.compile(r"\b(?:curl|wget)\b[^\n]*\|\s*(?:ba|da)?sh\b"), "nothing from the network is run unseen"),
    (re.compile(r"chmod\s+(?:-R\s+)?777"), "nothing is made writable for everybody"),
    (re.compile(r"^\s*set\s+-[a-wyz]*x", re.MULTILINE), "set -x prints secrets"),
    (re.compile(r"rm -rf \"?\$(?:[A-Za-z_0-9]+|\{[A-Za-z_0-9]+\})/"), "an empty variable would delete from the root"),
    (re.compile(r"\bsudo\s+(?!systemctl (?:restart|reload) )"), "sudo restarts or reloads a unit, no more"),
    (HEREDOC, "a heredoc's delimiter must be quoted"),
)


def findings(step: Mapping[str, Any], variables: frozenset[str] | set[str], *, deploys: bool) -> Iterator[str]:
    """What is wrong with the script of a step. `variables` are set by a person in Bitbucket, or chosen at the start."""
    items = [*step.get("script", []), *step.get("after-script", [])]
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) != len(items):
        yield "an item is not a text: a colon needs quotes, a pipe cannot be tried before it runs"
    whole = "\n".join(texts)
    piped = "set -o pipefail" in whole or "pipefail" in whole
    for text in texts:
        if "\n" not in text:
            yield from _one_command(text, piped=piped)
    for pattern, why in _FORBIDDEN:
        if pattern.search(whole):
            yield why
    yield from _references(whole, variables, deploys=deploys)


def _one_command(text: str, *, piped: bool) -> Iterator[str]:
    bare = _QUOTED.sub("''", text)
    if re.search(r"&&|(?<!\\);", bare):
        yield f"one command an item, or its failure is not seen: {text[:60]}"
    if "||" in bare:
        yield f"a failure is passed over: {text[:60]}"
    elif "|" in bare and not piped:
        yield f"a pipe without pipefail hides a failure: {text[:60]}"


def _references(whole: str, variables: frozenset[str] | set[str], *, deploys: bool) -> Iterator[str]:
    set_here = {name for groups in _ASSIGNED.findall(whole) for name in groups if name}
    guarded = set(_GUARD.findall(whole))
    for name in sorted(set(_REFERENCE.findall(whole))):
        if name not in BUILT_IN and name not in variables and name not in set_here:
            yield f"${name} comes from nowhere"
        if DEPLOYMENT_ONLY.fullmatch(name):
            if not deploys:
                yield f"${name} exists in deployments alone"
            elif name not in guarded:
                yield f"${name} is used without a guard for its being empty"
