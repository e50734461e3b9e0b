"""Python source, read by its syntax tree: which application object a module offers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from service.projects.python_statements import called, calls, statements

_MAKES = r"_?(?:create|make|get|build|init|register|setup|new|configure)\w*"
FACTORY = re.compile(rf"{_MAKES}app(?:lication)?")
# The class an application is made of, the framework that this means, the packages it may be imported from.
_CLASSES = {
    "FastAPI": ("fastapi", ("fastapi",)),
    "Flask": ("flask", ("flask",)),
    "APIFlask": ("flask", ("apiflask",)),
    "OpenAPI": ("flask", ("flask_openapi3",)),
    "FlaskApp": ("flask", ("connexion",)),
    "Quart": ("quart", ("quart",)),
    "Sanic": ("sanic", ("sanic",)),
    "Starlette": ("starlette", ("starlette",)),
    "FastHTML": ("fasthtml", ("fasthtml",)),
    "Litestar": ("litestar", ("litestar",)),
    "Robyn": ("robyn", ("robyn",)),
    "Bottle": ("bottle", ("bottle",)),
}
# A class of the project's own that says by its name what it is derived from.
_OWN_CLASS = re.compile(r"(?!API)[A-Z]\w*(Flask|FastAPI)")
_RUN = ("run", "serve", "run_simple")
# What leads to the word `app` where a function makes one or it is taken over from another module.
_LEADS = re.compile(rf"(?:{_MAKES}|\bimport\s(?:[^\n]*\W)?)$")
_APP = re.compile("app")
_BEFORE = 200  # how far before it that is looked for
Origins = dict[str, tuple[str, str]]  # a local name, with the module and the name there that it stands for


@dataclass(frozen=True, slots=True)
class Application:
    """A web application bound in a module; `framework` is None where only its name says that it is one.

    `factory` is a function that makes one; `needs_arguments` if a server cannot call it. `hidden`: it is made inside a
    function or a class and not handed out, so that no server finds it by name.
    """

    name: str
    framework: str | None
    factory: bool = False
    needs_arguments: bool = False
    hidden: bool = False
    line: int = 0


def may_hold_application(source: str) -> bool:
    """Whether parsing `source` can find an application at all: most modules do not hold the words for one."""
    if any(word in source for word in _CLASSES):
        return True
    found = (match.start() for match in _APP.finditer(source))
    return any(_LEADS.search(source, max(0, at - _BEFORE), at) for at in found)


def applications(module: ast.Module) -> tuple[Application, ...]:
    """The applications at the top level of a module, those whose framework shows first, then by line; where there are
    none, the first that is made further inside."""
    origins = _origins(module)
    found = [*_assigned(module, origins), *_factories(module, origins)] or list(_taken_over(module, origins))
    if not any(app.framework for app in found):
        found += list(_hidden(module, origins))[:1]
    return tuple(sorted(found, key=lambda app: (app.hidden, app.factory, app.framework is None, app.line)))


def _origins(module: ast.Module) -> Origins:
    """Where the module's names come from; a class derived from a framework's stands for that one."""
    found: Origins = {}
    classes: list[ast.ClassDef] = []
    for node in statements(module.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = (alias.name, "")
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                names = _CLASSES if alias.name == "*" else [alias.name]
                found.update({(alias.asname or name): (node.module or "", name) for name in names})
        elif isinstance(node, ast.ClassDef):
            classes.append(node)
    for node in reversed(classes):
        base = next(iter(node.bases), None)
        origin = _origin(base, found) if base is not None else None
        if origin and origin[1] in _CLASSES:
            found[node.name] = origin
    return found


def _origin(value: ast.expr, origins: Origins) -> tuple[str, str] | None:
    """Where a name or a dotted name (`flask.Flask`) comes from."""
    if isinstance(value, ast.Name):
        return origins.get(value.id)
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id in origins:
        return origins[value.value.id][0], value.attr
    return None


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


def _assigned(module: ast.Module, origins: Origins) -> Iterator[Application]:
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
            if framework or created:
                yield Application(name, framework, line=node.lineno)


def _created(value: ast.expr, origins: Origins) -> tuple[str | None, bool]:
    """The framework that a value is built with, and whether it comes from an application factory at least."""
    if not isinstance(value, ast.Call):
        return None, False
    framework = _framework(value.func, origins)
    if framework:
        return framework, True
    inner = _created(value.args[0], origins)[0] if value.args else None  # socketio.ASGIApp(app), CORS(Flask(…))
    return inner, FACTORY.fullmatch(called(value)) is not None


def _framework(value: ast.expr, origins: Origins) -> str | None:
    """The framework of a class, if it really comes from there (a `Flask` of somebody's own module does not)."""
    module, name = _origin(value, origins) or ("", "")
    if own := _OWN_CLASS.fullmatch(name):
        return _CLASSES[own[1]][0]
    framework, packages = _CLASSES.get(name, (None, ()))
    return framework if module.split(".")[0] in packages else None


def _factories(module: ast.Module, origins: Origins) -> Iterator[Application]:
    """Top-level functions that build and return an application, `create_app` and its kind, or say that they do."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            framework = _framework(node.returns, origins) if node.returns is not None else None
            if framework is None and "app" in node.name.lower():
                framework = next(filter(None, (_created(call, origins)[0] for call in calls(node.body))), None)
            returns = any(isinstance(inner, ast.Return) and inner.value for inner in statements(node.body))
            if framework and returns:
                yield Application(
                    node.name, framework, factory=True, needs_arguments=_needs_arguments(node), line=node.lineno
                )


def _taken_over(module: ast.Module, origins: Origins) -> Iterator[Application]:
    """An `app` of another module that this one runs: `from shop import app`, then `uvicorn.run(app)` or `app.run()`."""
    names = [name for name in ("app", "application") if name in origins and origins[name][1]]
    for call in calls(module.body):
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        given = [value.id for value in (owner, *call.args[:1]) if isinstance(value, ast.Name)]
        if called(call) in _RUN and (run := next((name for name in given if name in names), None)):
            yield Application(run, None, line=call.lineno)
            return


def _hidden(module: ast.Module, origins: Origins) -> Iterator[Application]:
    """What is made in `main()`, in a method, under `if __name__ == "__main__"`."""
    for call in calls(module.body):
        framework = _created(call, origins)[0]
        if framework:
            yield Application(called(call), framework, factory=True, hidden=True, line=call.lineno)


def _needs_arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = function.args
    without_default = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return without_default > 0 or None in arguments.kw_defaults
