"""A stated version, however it is written, as `major` or `major.minor`."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

# What an open range may resolve to: the lines that their projects still support, oldest first.
NODE_SUPPORTED = (20, 22, 24)
PYTHON_SUPPORTED = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
PYTHON_PREFERRED = "3.12"
NODE_CODENAMES = {"argon": 4, "boron": 6, "carbon": 8, "dubnium": 10, "erbium": 12, "fermium": 14, "gallium": 16,
                  "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}  # fmt: skip
_EVER = range(4, 40)


def node(stated: str) -> str | None:
    """A Node.js version or range as a major: a pin as it is, a range by the newest supported line inside it."""
    text = stated.strip().lower().removeprefix("node").strip("-: ")
    if text in ("lts/*", "lts", "node", "stable", "current", "latest", "*", "", "x"):
        return None
    codename = text.removeprefix("lts/").removeprefix("lts-")
    if codename in NODE_CODENAMES:
        return str(NODE_CODENAMES[codename])
    majors = _node_majors(text)
    if not majors or len(majors) == len(_EVER):
        return None
    return str(next((major for major in reversed(NODE_SUPPORTED) if major in majors), max(majors)))


def _node_majors(text: str) -> set[int]:
    """The major lines that a range of npm's grammar touches."""
    found: set[int] = set()
    for alternative in text.split("||"):
        hyphen = re.fullmatch(r"\s*v?(\d{1,3})[\w.]*\s+-\s+v?(\d{1,3})[\w.]*\s*", alternative)
        if hyphen:
            found |= {major for major in _EVER if int(hyphen[1]) <= major <= int(hyphen[2])}
            continue
        comparators = re.findall(r"(>=|<=|>|<|=|\^|~>?)?\s*v?(\d{1,3}|[x*])((?:\.(?:\d+|[x*]))*)", alternative)
        if not comparators or re.sub(
            r"(>=|<=|>|<|=|\^|~>?)?\s*v?(\d{1,3}|[x*])((?:\.(?:\d+|[x*]))*)|[\s,]", "", alternative
        ):
            continue
        majors = set(_EVER)
        for operator, major, rest in comparators:
            if major.isdigit():
                majors &= _compared(operator, int(major), rest)
        found |= majors
    return found


def _compared(operator: str, major: int, rest: str) -> set[int]:
    has_rest = bool(re.search(r"[1-9]", rest))
    if operator == ">=" or (operator == ">" and rest):
        return {line for line in _EVER if line >= major}
    if operator == ">":
        return {line for line in _EVER if line > major}
    if operator == "<=":
        return {line for line in _EVER if line <= major}
    if operator == "<":
        return {line for line in _EVER if line < major or (has_rest and line == major)}
    return {major}


def python(stated: str) -> str | None:
    """A Python version or range as `3.x`: a pin as it is, a range by what fits; an open one by the preferred line."""
    text = stated.strip().lower().removeprefix("python").strip("-= ").removeprefix("cpython-")
    pin = re.fullmatch(r"(?:pypy)?(\d)(?:\.(\d{1,2}))?(?:\.(?:\d+|x|\*))?(?:[-+a-z][\w.+-]*)?", text)
    if pin:
        return f"{pin[1]}.{pin[2]}" if pin[2] else None
    specifiers = _python_specifiers(text)
    if specifiers is None:
        return None
    fitting = [line for line in PYTHON_SUPPORTED if f"{line}.99" in specifiers or f"{line}.0" in specifiers]
    is_open = "3.99.0" in specifiers
    if is_open and PYTHON_PREFERRED in fitting:
        return PYTHON_PREFERRED
    return fitting[-1] if fitting else None


def _python_specifiers(text: str) -> SpecifierSet | None:
    """PEP 440 as it is; Poetry's `^3.10` and `~3.10` by what they mean; of alternatives (`||`) the last."""
    parts: list[str] = []
    for part in re.split(r"[,\s]+(?=[<>=!~^\d])", text.rpartition("||")[2].replace("|", ",").strip()):
        version = part.lstrip("^~>=<! ")
        if part.startswith("^"):
            parts += [f">={version}", "<4"]
        elif part.startswith("~") and not part.startswith("~="):
            parts.append(f"=={'.'.join(version.split('.')[:2])}.*")
        elif part[:1].isdigit():
            parts.append(f"=={'.'.join(version.rstrip('.*').split('.')[:2])}.*")
        else:
            parts.append(part)
    try:
        return SpecifierSet(",".join(filter(None, parts)))
    except InvalidSpecifier:
        return None


def dotted(stated: str, parts: int) -> str | None:
    """The first number in `stated` with at most `parts` parts: `~> 3.2.1` is 3.2 in two, `temurin-21.0.3` 21 in one."""
    match = re.search(r"\d+(?:\.\d+)*", stated)
    return ".".join(match[0].split(".")[:parts]) if match else None


def java(stated: str) -> str | None:
    """A Java version as a major; the old `1.8` is 8."""
    match = re.search(r"(?:\b1\.)?(\d{1,2})(?:[._]\d+)*", stated)
    return match[1] if match and int(match[1]) > 4 else None
