"""Deliveries by chance: whatever comes, the door has an answer for it, and the next one is processed."""

from __future__ import annotations

import random
import uuid

import msgspec
import pytest

from service.bitbucket.signature import sign
from tests.attacks.means import door, drained, fresh, knock, resident_bytes
from tests.living import Hook, Living, push, repository

pytestmark = pytest.mark.anyio

ANSWERS = {200, 202, 400, 401, 403, 413, 415}


def any_body(chance: random.Random, hook: Hook, limit: int) -> bytes:
    """30 % noise, 20 % too deep, 10 % of the wrong types, 10 % too large, 30 % as they should be."""
    kind = chance.choices(("noise", "deep", "confused", "large", "right"), (30, 20, 10, 10, 30))[0]
    if kind == "noise":
        return chance.randbytes(chance.randint(0, 300))
    if kind == "deep":
        return chance.choice([b"[", b'{"push":', b'{"a":[']) * chance.randint(1, 20_000)
    if kind == "confused":
        odd = chance.choice([None, 7, [], {}, "\0", [{}], {"changes": [None]}])
        about = chance.choice([repository(hook), odd, {"full_name": odd, "uuid": hook.uuid}])
        return msgspec.json.encode({"repository": about, chance.choice(["push", "commit_status", "changes"]): odd})
    if kind == "large":
        return b"{" + b" " * limit
    return msgspec.json.encode({"repository": repository(hook), **push("main", f"{chance.getrandbits(160):040x}")})


def any_headers(chance: random.Random, hook: Hook, body: bytes) -> list[tuple[bytes, bytes]]:
    genuine = (b"x-hub-signature", sign(body, hook.secret.encode()).encode())
    signatures = chance.choice(
        [
            [genuine],
            [genuine],
            [genuine],
            [(b"x-hub-signature", b"sha256=" + b"0" * 64)],
            [(b"x-hub-signature", b"sha1=" + b"0" * 40)],
            [(b"x-hub-signature", chance.randbytes(71))],
            [],
            [genuine, genuine],
        ]
    )
    key = chance.choice([b"repo:push", b"repo:commit_status_updated", b"", chance.randbytes(9)])
    number = chance.choice([str(uuid.UUID(int=chance.getrandbits(128))).encode(), b"", b"same", chance.randbytes(9)])
    others = [(b"x-event-key", key), (b"x-request-uuid", number), (b"x-attempt-number", chance.randbytes(2))]
    if chance.random() < 0.05:
        others.append((b"content-encoding", b"gzip"))
    return [*signatures, *others]


async def fuzz(penstock: Living, count: int) -> None:
    hook, entrance, chance = await fresh(penstock), door(penstock), random.Random(11)
    limit = penstock.house.settings.max_webhook_bytes
    answers: set[int] = set()
    before = resident_bytes()
    for _ in range(count):
        body = any_body(chance, hook, limit)
        cut = chance.randint(0, len(body))
        answers.add(await knock(entrance, hook, any_headers(chance, hook, body), body[:cut], body[cut:]))
    await drained(penstock, hook, seconds=1200)

    assert answers <= ANSWERS
    assert {202, 400, 401, 413, 415} <= answers
    assert resident_bytes() - before < 50 * 1024 * 1024
    await penstock.assert_alive()


async def test_three_thousand_deliveries_by_chance(penstock: Living) -> None:
    await fuzz(penstock, 3000)


@pytest.mark.endurance
async def test_a_hundred_thousand_deliveries_by_chance(penstock: Living) -> None:
    await fuzz(penstock, 100_000)
