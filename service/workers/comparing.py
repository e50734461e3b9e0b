"""One comparison for each place in which a pipeline can drift; what they read, `drifting.py` has asked for."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from service.bitbucket.answers import Hook as HookThere
from service.bitbucket.answers import Variable as VariableThere
from service.bitbucket.webhook import faults_of, is_ours
from service.drift import Apart
from service.grounds import OF_THE_STEPS
from service.store.repositories import Hook, Repository
from service.store.revisions import Revision
from service.store.variables import Variable

# What a deploying step prints of the site's file on the server: host, digest of what is there, what became of it.
NGINX_LINE = re.compile(
    rb"^nginx ([a-z0-9-]+(?:\.[a-z0-9-]+)+) sha256 ([0-9a-f]{64}|none)"
    rb" (installed|unchanged|edited|refused|unmanaged)\r?$",
    re.MULTILINE,
)

# What is to be done where the file of `wanted` is not the one that is there, by what became of it.
NGINX_NEXT = {
    "edited": "somebody has edited it there, and the edit stays; the deployment's log names the file to remove on the"
    " server so that deployments replace it",
    "refused": "the newest deployment has brought one that was refused; the end of its log says why",
    "unmanaged": "the live release has brought none; a deployment by the generated pipeline brings one",
}
NGINX_INSTALLED = "the next deployment with that revision installs it"

MOST_LINES = 40


def files(delivered: Revision, there: Mapping[str, bytes | None]) -> list[Apart]:
    """`there` is what the branch has at the paths of the revision that was brought last."""
    found = []
    for path, text in delivered.files.items():
        content = there[path]
        if content == text.encode():
            continue
        if content is None:
            told = f"{path} is no longer in the repository"
            found.append(Apart(kind="file", subject=path, change="missing", detail=told))
            continue
        digest = hashlib.sha256(content).hexdigest()
        lines = [*_difference(path, text, content.decode(errors="replace"))]
        shown = "\n".join(lines[:MOST_LINES]) + ("\n…" if len(lines) > MOST_LINES else "")
        found.append(Apart(kind="file", subject=path, change="changed", detail=shown, found=digest))
    return found


def variables(
    mine: Sequence[Variable],
    theirs: Sequence[VariableThere],
    value_of: Callable[[Variable], str],
    *,
    environment: str | None,
) -> list[Apart]:
    """Of the repository, or of one deployment environment. Only what was brought there from here can come apart.

    Bitbucket never tells a secured value: of one it is known only whether what was last sent is still what is wanted.
    """
    sent = {one.key: one for one in mine if one.synced is not None}
    if not sent:
        return []
    there = {one.key: one for one in theirs}
    where = f" of the environment {environment}" if environment else ""
    found = []

    def apart(key: str, change: str, told: str, digest: str = "") -> None:
        subject = f"{environment}/{key}" if environment else key
        detail = f"{key}{where} {told}"
        found.append(Apart(kind="variable", subject=subject, change=change, detail=detail, found=digest))

    for key, one in sent.items():
        other = there.get(key)
        if other is None:
            apart(key, "missing", "is no longer at Bitbucket: sync-env brings it back")
        elif other.secured != one.secured:
            apart(key, "changed", f"is {'secured' if other.secured else 'readable'} at Bitbucket by now")
        elif one.synced != one.place:
            apart(key, "changed", "has a newer value here, which was not sent yet: sync-env does", one.place)
        elif not one.secured and other.value != value_of(one):
            digest = hashlib.sha256((other.value or "").encode()).hexdigest()
            apart(key, "changed", "has another value at Bitbucket than here", digest)
    ours = {one.key for one in mine} | OF_THE_STEPS
    for other in theirs:
        if other.key not in ours:
            apart(other.key, "unmanaged", "is at Bitbucket and not here: sync-env with prune would delete it")
    return found


def webhook(repository: Repository, hook: Hook, theirs: Iterable[HookThere], url: str) -> list[Apart]:
    ours = [there for there in theirs if is_ours(there, uuid=repository.hook_uuid, hook_id=hook.id)]
    if not ours:
        told = "Penstock's webhook is no longer at Bitbucket; it is made anew"
        return [Apart(kind="webhook", subject=url, change="missing", detail=told)]
    faults = faults_of(ours[0], url)
    if not faults:
        return []
    change = "inactive" if faults == ["inactive"] else "changed"
    told = f"Penstock's webhook at Bitbucket is {', '.join(faults)}; it is put right"
    return [Apart(kind="webhook", subject=url, change=change, detail=told)]


def nginx(wanted: Revision, printed: Mapping[str, Sequence[bytes]]) -> list[Apart]:
    """`printed` is, for each environment, what its newest deployments have printed, the older first."""
    found: dict[str, Apart] = {}
    for environment, texts in printed.items():
        for host, (there, state) in _installed(texts).items():
            generated = wanted.files.get(f"nginx/{host}.conf")
            if generated is None or hashlib.sha256(generated.encode()).hexdigest() == there:
                continue
            told = (
                f"nginx on the server of {environment} does not have the configuration of revision {wanted.number} for"
                f" {host}: {NGINX_NEXT.get(state, NGINX_INSTALLED)}"
            )
            change = "missing" if there == "none" else "unmanaged" if state == "unmanaged" else "changed"
            found[host] = Apart(kind="nginx", subject=host, change=change, detail=told, found=f"{there} {state}")
    return list(found.values())


def _installed(texts: Sequence[bytes]) -> dict[str, tuple[str, str]]:
    """For each host the digest of what is there, and what became of the file that was brought last.

    A deployment whose file is refused goes back to the release before, and installs that one's after it.
    """
    found: dict[str, tuple[str, str]] = {}
    for text in texts:
        mine: dict[str, tuple[str, str]] = {}
        for host, digest, state in NGINX_LINE.findall(text):
            refused = mine.get(host.decode(), ("", ""))[1] == "refused"
            mine[host.decode()] = (digest.decode(), "refused" if refused else state.decode())
        found |= mine
    return found


def _difference(path: str, before: str, after: str) -> Iterable[str]:
    lines = before.splitlines(), after.splitlines()
    return difflib.unified_diff(*lines, f"generated/{path}", f"repository/{path}", n=1, lineterm="")
