"""Gemfile: what a Ruby project needs."""

from __future__ import annotations

import re

from service.projects.folder import Folder


def gems(folder: Folder) -> frozenset[str]:
    """The gems that the Gemfile names; it is Ruby code, so only plain lines are read."""
    return frozenset(re.findall(r"^\s*gem[\s(]+[\"']([\w-]+)[\"']", folder.text("Gemfile") or "", re.MULTILINE))
