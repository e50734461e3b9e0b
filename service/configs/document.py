"""Writes a pipelines file from data, and reads it back to be sure of it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any

import yaml

# What YAML 1.2 takes for a number, a boolean or nothing where PyYAML, which writes 1.1, sees a string.
_CORE_SCHEMA = re.compile(
    r"(?:null|Null|NULL|~|true|True|TRUE|false|False|FALSE|y|Y|n|N|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)


class Anchored(str):
    """A text that is written once, under this name, and referred to afterwards."""

    __slots__ = ("anchor",)
    anchor: str

    def __new__(cls, anchor: str, text: str) -> Anchored:
        made = super().__new__(cls, text)
        made.anchor = anchor
        return made


class BrokenDocument(ValueError):
    """A text that does not say what was meant, or says it twice."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return not isinstance(data, Anchored)

    def generate_anchor(self, node: yaml.Node) -> str:
        return str(getattr(node, "anchor_name"))  # noqa: B009 - set below, unknown to the type of nodes

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Items of a list are indented under their key, as people write pipelines files.
        super().increase_indent(flow, False)


def _scalar(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if _CORE_SCHEMA.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)


def _anchored(dumper: _Dumper, text: Anchored) -> yaml.ScalarNode:
    node = _scalar(dumper, text)
    node.anchor_name = text.anchor  # type: ignore[attr-defined]
    return node


_Dumper.add_representer(str, _scalar)
_Dumper.add_representer(Anchored, _anchored)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(keys)) != len(keys):
            raise BrokenDocument(f"a key is there twice, near line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


def write(data: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """The text of a pipelines file. `comments` stand above the keys they name, `key` or `key/key below it`.

    Comments are constants of ours: a setting in one could end it. Raises BrokenDocument if the text does not read back
    as the same data.
    """
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=1_000_000)
    text = _with_comments(text, comments)
    if read(text) != data:
        raise BrokenDocument("the written text reads back as something else")
    return text


def read(text: str) -> Any:
    """The data of a pipelines file. Raises BrokenDocument for a key that is there twice, yaml.YAMLError for no YAML."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader


def _with_comments(text: str, comments: Mapping[str, str]) -> str:
    lines: list[str] = []
    top = ""
    for line in text.splitlines():
        key = re.match(r"( {0,2})([a-z-]+):", line)
        # Texts of scripts are indented by more than two, so such a line is a key of the first or second level.
        path = ""
        if key:
            path = key[2] if not key[1] else f"{top}/{key[2]}" if key[1] == "  " else ""
            top = key[2] if not key[1] else top
        if path in comments:
            lines += ["", *(f"{key[1] if key else ''}# {part}" for part in comments[path].splitlines())]
        lines.append(line)
    return "\n".join(lines).lstrip("\n") + "\n"
