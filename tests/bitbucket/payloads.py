"""Deliveries of Bitbucket's shape, written for these tests; and recorded ones, where they lie beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WRITTEN = Path(__file__).parents[1] / "payloads"
RECORDED = Path(__file__).parents[3] / "shared/bitbucket/payloads"

NAMES = sorted(path.stem for path in WRITTEN.glob("*.json"))


def body(name: str) -> bytes:
    return (WRITTEN / f"{name}.json").read_bytes()


def content(name: str) -> Any:
    """A fresh copy, to be changed and encoded again."""
    return json.loads(body(name))


def encoded(content: object) -> bytes:
    """As Bitbucket writes it: compact, in UTF-8."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
