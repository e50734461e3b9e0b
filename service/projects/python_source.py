"""Python source, read by its syntax tree: which application object a module offers, on which port it listens."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

FACTORIES = ("create_app", "make_app", "get_application", "get_app", "create_application", "build_app", "init_app")
FRAMEWORKS = {
    "FastAPI": "fastapi", "Flask": "flask", "APIFlask": "flask", "OpenAPI": "flask", "Quart": "quart",
    "Sanic": "sanic", "Starlette": "starlette", "FastHTML": "fasthtml", "Litestar": "litestar", "Robyn": "robyn",
    "Bottle": "bottle", "Falcon": "falcon",
}  # fmt: skip
_MODULES = {
    "fastapi": ("fastapi",), "flask": ("flask", "apiflask", "flask_openapi3", "connexion"), "quart": ("quart",),
    "sanic": ("sanic",), "starlette": ("starlette",), "fasthtml": ("fasthtml",), "litestar": ("litestar",),
    "robyn": ("robyn",), "bottle": ("bottle",), "falcon": ("falcon",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Application:
    """A web application bound in a module; `framework` is None where only its name says that it is one."""

    name: str
    framework: str | None
    factory: bool = False
    imported_from: str | None = None
    line: int = 0


def applications(module: ast.Module) -> tuple[Application, ...]:
    """The applications at the top level of a module, those whose framework shows first, then by line."""
    origins = dict(_imports(module))
    found = [*_assigned(module, origins), *_factories(module, origins), *_imported(module)]
    return tuple(sorted(found, key=lambda app: (app.factory, app.framework is None, app.line)))


def imported(module: ast.Module) -> frozenset[str]:
    """The top-level packages that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return frozenset(names)


def _imports(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Local name and the package it comes from, at the top level or in a `try`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, "." * node.level + (node.module or "")


def _top_level(module: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run on import: the module's own and those in `if`, `try` and `with`, `__main__` blocks apart."""
    waiting: list[ast.stmt] = list(module.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if isinstance(node, ast.If) and "__main__" not in ast.dump(node.test):
            waiting = [*node.body, *node.orelse, *waiting]
        elif isinstance(node, ast.Try):
            waiting = [
                *node.body,
                *node.orelse,
                *(line for handler in node.handlers for line in handler.body),
                *waiting,
            ]
        elif isinstance(node, ast.With):
            waiting = [*node.body, *waiting]


def _assigned(module: ast.Module, origins: dict[str, str]) -> Iterator[Application]:
    for node in _top_level(module):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        framework, created = _created(value, origins)
        for name in names:
            if framework or (created and name in ("app", "application", "api", "server", "asgi", "wsgi")):
                yield Application(name, framework, line=node.lineno)


def _created(value: ast.expr, origins: dict[str, str]) -> tuple[str | None, bool]:
    """The framework that a value is built with, and whether it comes from an application factory at least."""
    if not isinstance(value, ast.Call):
        return None, False
    called = _called(value)
    framework = _framework(called, value, origins)
    if framework:
        return framework, True
    inner = [_created(argument, origins)[0] for argument in value.args[:1]]  # socketio.ASGIApp(app), CORS(Flask(…))
    return next(iter(filter(None, inner)), None), called in FACTORIES


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _framework(called: str, call: ast.Call, origins: dict[str, str]) -> str | None:
    """The framework of a class, if the class really comes from there (`Flask` of somebody's own module does not)."""
    base = call.func
    while isinstance(base, ast.Attribute):
        base = base.value
    origin = origins.get(base.id, "") if isinstance(base, ast.Name) else ""
    for package, framework in ((package, name) for name, packages in _MODULES.items() for package in packages):
        if origin.split(".")[0] == package and (FRAMEWORKS.get(called) == framework or called == "FlaskApp"):
            return framework
    return FRAMEWORKS.get(called) if "*" in origins else None


def _factories(module: ast.Module, origins: dict[str, str]) -> Iterator[Application]:
    """Top-level functions that build and return an application, `create_app` and its kind."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ("app" in node.name.lower()):
            built = [_created(inner, origins)[0] for inner in ast.walk(node) if isinstance(inner, ast.Call)]
            framework = next(iter(filter(None, built)), None)
            returns = any(isinstance(inner, ast.Return) and inner.value for inner in ast.walk(node))
            if framework and returns and not _needs_arguments(node):
                yield Application(node.name, framework, factory=True, line=node.lineno)


def _needs_arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = function.args
    without_default = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return without_default > 0 or None in arguments.kw_defaults


def _imported(module: ast.Module) -> Iterator[Application]:
    """`from shop import app`: a server's entry file often only passes the object on."""
    for node in module.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name
                if name in ("app", "application"):
                    source = "." * node.level + (node.module or "")
                    yield Application(name, None, imported_from=source, line=node.lineno)


def port(module: ast.Module) -> int | None:
    """The literal port of `app.run(port=…)` or `uvicorn.run(…, port=…)`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _called(node) in ("run", "run_simple", "serve"):
            for keyword in node.keywords:
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
    """What `os.environ.setdefault("VARIABLE", "value")` (or `os.environ["VARIABLE"] = …`) says, anywhere in a module."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and len(node.args) >= 2 and _called(node) in ("setdefault", "get", "getenv"):
            name, value = node.args[0], node.args[1]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            name, value = node.targets[0].slice, node.value
        else:
            continue
        if isinstance(name, ast.Constant) and name.value == variable:
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
    return None
