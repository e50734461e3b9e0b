"""What Python source says outright, read by its syntax tree: what it imports, calls, sets, on which port it listens."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement in `body`, however deep, without the expressions: most of a syntax tree is those."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        for field in ("body", "orelse", "finalbody"):
            waiting.extend(getattr(node, field, ()))
        for handler in getattr(node, "handlers", ()):
            waiting.extend(handler.body)


def calls(body: Iterable[ast.stmt]) -> Iterator[ast.Call]:
    """The calls that statements make directly: alone, assigned, returned."""
    for node in statements(body):
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call):
            yield value


def called(call: ast.Call) -> str:
    """The name that is called, without what stands before its last dot; empty for anything else."""
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def imported(module: ast.Module) -> Iterator[str]:
    """The top packages that a module imports by absolute names, at its top level."""
    for node in module.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def imports_by_text(source: str, package: str) -> bool:
    """Whether some line imports `package`; without a syntax tree, so that any source may be asked."""
    return re.search(rf"^[ \t]*(?:from|import)[ \t]+{package}\b", source, re.MULTILINE) is not None


def port(module: ast.Module) -> int | None:
    """The literal port of `app.run(port=…)` or `uvicorn.run(…, port=…)`."""
    for call in calls(module.body):
        if called(call) in ("run", "run_simple", "serve"):
            for keyword in call.keywords:
                number = _number(keyword.value) if keyword.arg == "port" else None
                if number:
                    return number
    return None


def _number(value: ast.expr) -> int | None:
    """A whole number, also as the default of `int(os.environ.get("PORT", 5000))`."""
    if isinstance(value, ast.Constant):
        text = str(value.value)
        return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) < 65536 else None
    if isinstance(value, ast.Call) and value.args:
        return _number(value.args[-1])
    return None


def setting(module: ast.Module, *names: str) -> str | None:
    """The string that one of `names` is assigned at the top level of a settings module."""
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if targets & set(names):
                return node.value.value
    return None


def environment_default(module: ast.Module, variable: str) -> str | None:
    """What `os.environ.setdefault("VARIABLE", "value")` (or `os.environ["VARIABLE"] = …`) says; None if nothing does.

    A value that is computed reads as an empty string.
    """
    for node in statements(module.body):
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call) and len(call.args) >= 2 and called(call) in ("setdefault", "get", "getenv"):
            name, value = call.args[0], call.args[1]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            name, value = node.targets[0].slice, node.value
        else:
            continue
        if isinstance(name, ast.Constant) and name.value == variable:
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
    return None
