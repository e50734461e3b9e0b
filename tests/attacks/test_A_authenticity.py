"""Row A: who may speak for a repository. Only whoever has its hook's secret, and only about that repository."""

from __future__ import annotations

import ast
import hmac
import inspect
import re
import uuid
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from service import clock
from service.bitbucket import signature
from service.bitbucket.signature import sign, verify
from service.settings import Settings
from service.store.tables import hooks
from tests.attacks.means import a_push, door, fresh, knock, rows
from tests.living import Hook, Living, living, push, repository, signed, status

pytestmark = pytest.mark.anyio

HEX = "ab" * 32
ROOT = Path(__file__).parents[2]

MALFORMED = [
    "sha1={hex40}",
    "sha512={hex}",
    "SHA256={hex}",
    "{hex}",
    "sha256:{hex}",
    "sha256",
    "sha256=",
    "sha256={zeros}",
]
MALFORMED += ["sha256={hex63}", "sha256={hex}0", "sha256={spaced}", "sha256= {hex}", "sha256={hex}, sha256={hex}"]


async def test_A1_a_missing_signature_is_401(penstock: Living) -> None:
    hook = await fresh(penstock)
    body = a_push(hook)
    headers = signed(body, hook, "repo:push")
    del headers["X-Hub-Signature"]

    assert (await penstock.post(body, headers, hook)).status_code == 401
    assert await rows(penstock, hook) == 0
    await penstock.assert_alive()


async def test_A2_a_body_that_differs_by_one_bit_is_401(penstock: Living) -> None:
    hook = await fresh(penstock)
    body = a_push(hook)
    headers = [(name.lower().encode(), value.encode()) for name, value in signed(body, hook, "repo:push").items()]
    entrance = door(penstock)
    for place in range(0, len(body), 7):
        for bit in (0, 3, 7):
            altered = bytearray(body)
            altered[place] ^= 1 << bit
            assert await knock(entrance, hook, headers, bytes(altered)) == 401

    assert await rows(penstock, hook) == 0
    await penstock.assert_alive()


@pytest.mark.parametrize("form", MALFORMED)
async def test_A3_a_malformed_signature_is_401(penstock: Living, form: str) -> None:
    hook = await fresh(penstock)
    body = a_push(hook)
    right = sign(body, hook.secret.encode()).removeprefix("sha256=")
    parts = {"hex": right, "hex40": right[:40], "hex63": right[:63], "spaced": right[:2] + " " + right[2:]}
    headers = {**signed(body, hook, "repo:push"), "X-Hub-Signature": form.format(**parts, zeros="0" * 64)}

    assert (await penstock.post(body, headers, hook)).status_code == 401
    assert await rows(penstock, hook) == 0
    await penstock.assert_alive()


async def test_A3_upper_case_hex_is_the_same_signature(penstock: Living) -> None:
    hook = await fresh(penstock)
    body = a_push(hook)
    upper = "sha256=" + sign(body, hook.secret.encode()).removeprefix("sha256=").upper()

    assert (
        await penstock.post(body, {**signed(body, hook, "repo:push"), "X-Hub-Signature": upper}, hook)
    ).status_code == 202


@pytest.mark.parametrize("value", [b"sha256=\xff" + b"a" * 63, "sha256=ä".encode() + b"a" * 62, b"\x80" * 71])
async def test_A4_non_ascii_signature_is_401(penstock: Living, value: bytes) -> None:
    hook = await fresh(penstock)
    body = a_push(hook)
    headers = [(n.encode(), v.encode()) for n, v in signed(body, hook, "repo:push").items() if n != "X-Hub-Signature"]
    answer = await penstock.client.post(hook.url, content=body, headers=[*headers, (b"X-Hub-Signature", value)])

    assert answer.status_code == 401
    assert await rows(penstock, hook) == 0
    await penstock.assert_alive()


@pytest.mark.parametrize("right", [(True, True), (True, False), (False, True)], ids=repr)
async def test_A5_two_signatures_are_401_whichever_is_right(penstock: Living, right: tuple[bool, bool]) -> None:
    hook = await fresh(penstock)
    body = a_push(hook)
    headers = signed(body, hook, "repo:push")
    genuine = headers.pop("X-Hub-Signature")
    both = [("X-Hub-Signature", genuine if good else f"sha256={HEX}") for good in right]
    answer = await penstock.client.post(hook.url, content=body, headers=[*headers.items(), *both])

    assert answer.status_code == 401
    assert await rows(penstock, hook) == 0
    await penstock.assert_alive()


def test_A6_signatures_are_compared_in_constant_time_and_as_bytes() -> None:
    inside = list(ast.walk(ast.parse(inspect.getsource(verify))))
    called = {ast.unparse(node.func) for node in inside if isinstance(node, ast.Call)}
    equalities = [
        ast.unparse(node) for node in inside if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq)
    ]

    assert "hmac.compare_digest" in called
    assert equalities == ["len(headers) == 1"]


async def test_A7_a_hook_without_a_secret_cannot_be_made_and_would_admit_nobody(penstock: Living) -> None:
    hook = await fresh(penstock)
    wanted = {"workspace": "acme", "slug": "weak", "secret": ""}
    answer = await penstock.client.post("/api/repositories", json=wanted)

    assert answer.status_code == 422
    assert len(hook.secret) >= 32
    for secret in (b"", signature.NOBODYS_SECRET):
        assert verify(b"{}", [sign(b"{}", secret).encode()], []) is None


async def test_A9_an_unknown_hook_costs_and_answers_the_same(penstock: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = await fresh(penstock)
    computed: list[bytes] = []
    digest = hmac.digest

    def counted(key: bytes, message: bytes, name: str) -> bytes:
        computed.append(message)
        return digest(key, message, name)

    body = a_push(hook)
    headers = {**signed(body, hook, "repo:push"), "X-Hub-Signature": f"sha256={HEX}"}
    unknown = Hook(0, hook.full_name, hook.url[:-32] + uuid.uuid4().hex, hook.secret, hook.uuid)
    monkeypatch.setattr(hmac, "digest", counted)
    answers = [await penstock.post(body, headers, target) for target in (hook, unknown)]

    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert computed == [body, body]
    await penstock.assert_alive()


async def test_A10_one_repositorys_secret_says_nothing_about_another(penstock: Living) -> None:
    mine, victim = await fresh(penstock), await fresh(penstock)
    assert (await penstock.deliver("repo:push", push("main", "1a" * 20), hook=victim)).status_code == 202
    about = {"repository": repository(victim), **push("main", "2b" * 20)}

    assert (await penstock.deliver("repo:push", about, hook=mine)).status_code == 403
    assert (await rows(penstock, mine), await rows(penstock, victim)) == (0, 1)
    await penstock.assert_alive()


@pytest.mark.parametrize(
    "key", ["repo:deleted", "repo:transfer", "repo:updated", "repo:commit_status_created", "issue:x"]
)
async def test_A11_a_forged_event_key_does_not_make_a_push_something_else(penstock: Living, key: str) -> None:
    hook = await fresh(penstock)
    body = a_push(hook)

    assert (await penstock.post(body, signed(body, hook, key), hook)).status_code == 400
    assert await rows(penstock, hook) == 0
    await penstock.assert_alive()


async def test_A12_the_hooks_uuid_proves_nothing_and_is_not_asked_for(penstock: Living) -> None:
    hook = await fresh(penstock)
    body = a_push(hook)
    genuine = signed(body, hook, "repo:push")
    unsigned = {name: value for name, value in genuine.items() if name != "X-Hub-Signature"}
    other = {**genuine, "X-Hook-UUID": "{ffffffff-0000-4000-8000-000000000000}"}

    assert (await penstock.post(body, unsigned, hook)).status_code == 401
    assert (await penstock.post(body, other, hook)).status_code == 202
    await penstock.assert_alive()


async def test_A13_a_captured_delivery_under_another_uuid_is_stored_and_changes_nothing(penstock: Living) -> None:
    hook = await fresh(penstock)
    commit = uuid.uuid4().hex + "0" * 8
    told = [
        ("repo:push", push("main", commit)),
        (
            "repo:commit_status_created",
            status(9, "INPROGRESS", commit, at="2026-03-01T09:31:00+00:00", full_name=hook.full_name),
        ),
        (
            "repo:commit_status_updated",
            status(9, "SUCCESSFUL", commit, at="2026-03-01T09:35:00+00:00", full_name=hook.full_name),
        ),
    ]
    for key, payload in told:
        assert (await penstock.deliver(key, payload, hook=hook)).status_code == 202
    before = await penstock.executions(hook)
    verdicts = []
    for key, payload in told:
        answer = await penstock.deliver(key, payload, hook=hook)
        assert answer.status_code == 202
        verdicts += [verdict["verdict"] for verdict in await penstock.verdicts(answer)]

    assert verdicts == ["unchanged", "unchanged", "unchanged"]
    assert await penstock.executions(hook) == before
    await penstock.assert_alive()


async def test_A14_a_delivery_is_known_again_after_a_restart(database_url: str, tmp_path: Path) -> None:
    environ = {"PENSTOCK_DATA_DIR": str(tmp_path), "PENSTOCK_DATABASE_URL": database_url}
    async with living(environ) as before:
        hook = before.hook
        first = await before.deliver("repo:push", push("main", "1a" * 20), request_uuid="captured")
    async with living(environ) as after:
        moved = Hook(hook.id, hook.full_name, after.url + hook.url[hook.url.index("/webhooks") :], hook.secret)
        again = await after.deliver("repo:push", push("main", "1a" * 20), hook=moved, request_uuid="captured")
        await after.assert_alive()

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["delivery_id"] == first.json()["delivery_id"]


async def test_A16_the_secret_before_a_rotation_counts_within_its_window_only(penstock: Living) -> None:
    old = await fresh(penstock)
    await penstock.client.post(f"/api/repositories/{old.id}/rotate-secret")
    within = await penstock.deliver("repo:push", push("main", "1a" * 20), hook=old)
    hook_id = old.url.rpartition("/")[2]
    async with penstock.house.recorder.record() as record:
        ended = update(hooks).where(hooks.c.id == hook_id).values(previous_until=clock.now() - timedelta(seconds=1))
        await record.connection.execute(ended)
    penstock.house.hooks.forget(hook_id)
    after = await penstock.deliver("repo:push", push("main", "2b" * 20), hook=old)

    assert (within.status_code, after.status_code) == (202, 401)
    shown = await penstock.get(f"/api/deliveries/{within.json()['delivery_id']}")
    assert shown["flags"] == ["signed_with_previous_secret"]
    await penstock.assert_alive()


def test_A8_no_secret_is_shipped_and_no_setting_has_one_by_default() -> None:
    shipped = [ROOT / "Dockerfile", ROOT / "README.md", ROOT / "pyproject.toml"]
    shipped += [path for room in ("service", "templates") for path in (ROOT / room).rglob("*") if path.is_file()]
    given = re.compile(rb"PENSTOCK_(SECRET_KEYS|TOKEN|SIGN_IN_CLIENT_SECRET)=(?!\$\(|\$|\s|\Z)[^\s`\"']")

    assert [path for path in shipped if given.search(path.read_bytes())] == []
    assert {one.name: one.default for one in fields(Settings) if one.metadata["secret"]} == dict.fromkeys(
        (one.name for one in fields(Settings) if one.metadata["secret"]), ""
    )


async def test_A8_two_installations_share_no_secret(tmp_path: Path) -> None:
    found: list[set[str]] = []
    for name in ("one", "other"):
        async with living({"PENSTOCK_DATA_DIR": str(tmp_path / name)}) as installed:
            key = (tmp_path / name / "secret.keys").read_text().strip()
            found.append({key, installed.hook.secret, installed.hook.url.rpartition("/")[2], installed.token})

    assert found[0] & found[1] == set()
