"""JavaScript source, read without running it: what a file imports, sets and listens on."""

from __future__ import annotations

import posixpath
import re

_TOKENS = re.compile(
    r"""(?P<kept>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|(?P<dropped>//[^\n]*|/\*.*?\*/)""",
    re.DOTALL,
)
_IMPORTS = re.compile(
    r"""(?:\bfrom\s*|\brequire\s*\(\s*|\bimport\s*\(?\s*)(["'])([^"'\n]+)\1""",
)
_PORT_CODE = (
    re.compile(r"""\bPORT\b["'\]\)]*\s*(?:\|\||\?\?)\s*["']?(\d{2,5})\b"""),
    re.compile(r"""\.listen\(\s*(?:\{\s*port:\s*)?["']?(\d{2,5})\b"""),
    re.compile(r"""\b(?:port|PORT)\s*[:=]\s*["']?(\d{2,5})\b"""),
)
MAX_SOURCE = 200_000


def without_comments(source: str) -> str:
    """`source` with comments gone and strings kept; regular expression literals may suffer, nobody reads those here."""
    return _TOKENS.sub(lambda match: match["kept"] or " ", source[:MAX_SOURCE])


def imports(source: str) -> frozenset[str]:
    """The modules that `source` imports or requires, as written."""
    return frozenset(match[2] for match in _IMPORTS.finditer(without_comments(source)))


def setting(source: str, key: str, *, within: str | None = None) -> str | None:
    """The string that `key` is set to in a config file, directly inside the object `within` if that is given.

    Anything but a plain string (a call, a variable, a template with `${`) is None: not known is better than guessed.
    """
    code = without_comments(source)
    if within is not None:
        code = _object(code, within) or ""
    match = re.search(rf"""(?<![\w.$]){re.escape(key)}["']?\s*[:=]\s*(["'`])([^"'`\n$]*)\1""", code)
    return match[2] if match else None


# A directory that is joined to the config file's own.
_HERE = r"(?:\w*[dD]irname|import\.meta\.dirname)"  # `dirname` is what a module makes that has no `__dirname`
_COMPUTED = (
    re.compile(rf"(?:\w+\.)?(?:resolve|join)\(\s*{_HERE}\s*,([^()]*)\)"),
    re.compile(rf"""{_HERE}\s*\+\s*(["']/?[^"'\n]+["'])"""),
    re.compile(r"""(?:fileURLToPath\(\s*)?new URL\(\s*(["'][^"'\n]+["'])\s*,\s*import\.meta\.url\s*\)"""),
)
_NESTED = re.compile(r"(?:\w+\.)?(?:resolve|join)\(\s*([A-Za-z_$][\w$]*)\s*,([^()]*)\)")
# A function of the config file's own that joins what it is given to the file's directory, and a call of one.
_JOINS = (
    r"(?:const|let|var|function)\s+{}\b[^\n]*?(?:=>|\{{)\s*(?:return\s+)?(?:\w+\.)?(?:resolve|join)"
    rf"\(\s*{_HERE}\s*,([^()]*)\)"
)
_CALL = re.compile(r"""([A-Za-z_$][\w$]*)\(\s*["']([\w./-]+)["']\s*\)""")
_MEMBER = r"[A-Za-z_$][\w$]*\.([A-Za-z_$][\w$]*)(?=\s*(?:[,;}\n]|$))"
_NAME = re.compile(r"(?:[A-Za-z_$][\w$]*\.)?([A-Za-z_$][\w$]*)(?=\s*(?:[,;}\n]|$))")


def directory(source: str, key: str, *, within: str | None = None) -> str | None:
    """The directory that `key` is set to by joining it to the config file's own (`path.resolve(__dirname, "dist")`), be
    it through a name; as it is seen from there."""
    code = without_comments(source)
    block = code if within is None else _object(code, within) or ""
    return _joined(block, key, code)


def directory_of_run(source: str, key: str) -> str | None:
    """The directory that `key` is set to as it is seen from where the build is run: `path.resolve("dist")`, with or
    without `process.cwd()`; `utils.root("dist")`, as JHipster has it."""
    made = r"(?:(?:\w+\.)?(?:resolve|join)\(\s*(?:process\.cwd\(\)\s*,)?|\w+\.root\()"
    code = without_comments(source)
    start = r"""(?<![\w.$]){}["']?\s*:\s*"""
    named = re.search(start.format(re.escape(key)) + _MEMBER, code)  # `path: PLACES.OUTPUT`
    keys = (key, named[1]) if named else (key,)
    found = (re.search(rf"""{start.format(re.escape(name))}{made}\s*["']([\w./-]+)["']\s*\)""", code) for name in keys)
    match = next(filter(None, found), None)
    return match[1].lstrip("/") if match else None


def _joined(block: str, key: str, code: str) -> str | None:
    start = re.search(rf"""(?<![\w.$]){re.escape(key)}["']?\s*[:=]\s*""", block)
    if start is None:
        return None
    for pattern in _COMPUTED:
        match = pattern.match(block, start.end())
        if match:
            words = (word.strip("/") for word in re.findall(r"[\"']([^\"'\n]+)[\"']", match[1]))
            return "/".join(words) or None
    if nested := _NESTED.match(block, start.end()):
        above = _joined(code, nested[1], code) if nested[1] != key else None
        words = (word.strip("/") for word in re.findall(r"[\"']([^\"'\n]+)[\"']", nested[2]))
        return posixpath.normpath("/".join([above, *words])) if above else None
    if (call := _CALL.match(block, start.end())) and (joins := re.search(_JOINS.format(re.escape(call[1])), code)):
        up = [word.strip("/") for word in re.findall(r"[\"']([^\"'\n]+)[\"']", joins[1])]
        return posixpath.normpath("/".join([*up, call[2].strip("/")]))
    name = _NAME.match(block, start.end())  # `path: built`, `path: paths.built`
    return _joined(code, name[1], "") if name and code and name[1] != key else None


def mentions(source: str, key: str) -> bool:
    """Whether `key` is set to anything at all, outside comments."""
    return re.search(rf"""(?<![\w.$]){re.escape(key)}["']?\s*[:=]""", without_comments(source)) is not None


def is_set_false(source: str, key: str) -> bool:
    """Whether the config file says `key: false`, outside comments."""
    return re.search(rf"""(?<![\w.$]){re.escape(key)}["']?\s*:\s*false\b""", without_comments(source)) is not None


def _object(code: str, name: str) -> str | None:
    """The text between the braces of `name: {…}`, without the objects nested in it."""
    start = re.search(rf"""(?<![\w.$]){re.escape(name)}["']?\s*[:=]\s*\{{""", code)
    if start is None:
        return None
    depth, kept = 1, []
    for character in code[start.end() :]:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            break
        if depth == 1:
            kept.append(character)
    return "".join(kept)


def port(source: str) -> int | None:
    """The port a server listens on when nobody tells it another: `process.env.PORT || 3000`, `.listen(3000)`."""
    code = without_comments(source)
    for pattern in _PORT_CODE:
        match = pattern.search(code)
        if match and 0 < int(match[1]) < 65536:
            return int(match[1])
    return None
