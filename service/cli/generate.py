"""`penstock generate DIR --out OUT`: writes the files that build, test and deploy a project."""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from service import render
from service.cli.detect import detect_directory
from service.cli.errors import CommandFailed
from service.cli.saying import say
from service.configs import EnvironmentRequest, Generated, InvalidValue, Request, generate, grammar

EXPLAIN = "explain.json"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `generate` to the commands of the program."""
    parser = commands.add_parser(
        "generate",
        help="write the pipeline, nginx and certificate files for a project",
        description="Write the files that build, test and deploy what DIR holds. Works offline; the same input gives"
        " the same bytes. OUT/explain.json says why each choice was made.",
    )
    parser.add_argument("directory", metavar="DIR", help="the project")
    parser.add_argument("--out", metavar="OUT", required=True, help="directory to write to; made if it is not there")
    parser.add_argument("--type", metavar="T", help="the kind of project, instead of what is detected")
    parser.add_argument("--domain", metavar="D", help="host name of the site; example.com stands in without it")
    parser.add_argument("--server", metavar="HOST", help="address of the server; $SSH_HOST in Bitbucket without it")
    parser.add_argument("--port", metavar="N", help="loopback port of the application on the server")
    parser.add_argument("--env", metavar="K=V", action="append", default=[], help="a variable of the application")
    parser.add_argument("--secret", metavar="K", action="append", default=[], help="name of a secured variable")
    parser.add_argument("--branch", metavar="B", default="main", help="the branch that deploys (default: main)")
    parser.add_argument("--environment", metavar="E", default="production", help="its name (default: production)")
    parser.add_argument("--health-path", metavar="P", help="path that answers 200 when the application is well")
    parser.add_argument("--email", metavar="A", help="where notices about the certificate go")
    parser.add_argument("--no-ssl", action="store_true", help="plain http, for a network of one's own")
    parser.add_argument("--nginx-version", metavar="V", default="1.22", help="nginx of the server (default: 1.22)")
    parser.add_argument("--openssl-version", metavar="V", default="3.0", help="OpenSSL of the server (default: 3.0)")
    parser.add_argument("--templates", metavar="DIR", help="your own templates, used before those that ship")
    parser.add_argument("--force", action="store_true", help="overwrite files that were edited by hand")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Detect, render, write, say what was written. Raises CommandFailed."""
    detection = detect_directory(Path(args.directory))
    templates = render.environment(Path(args.templates) if args.templates else None)
    try:
        generated = generate(detection, _request(args), templates)
    except InvalidValue as error:
        option = error.field.split(".")[0].replace("_", "-").replace("project-type", "type")
        raise CommandFailed(f"--{option}: {error.message}") from None
    out = Path(args.out)
    try:
        if not args.force:
            _refuse_edited(out, generated)
        for path, text in generated.files:
            _write(out / path, text)
    except OSError as error:
        raise CommandFailed(f"cannot write {error.filename or out}: {error.strerror}; choose another --out") from None
    say("\n".join(_summary(out, generated, placeholder=args.domain is None)))
    return 0


def _request(args: argparse.Namespace) -> Request:
    return Request(
        project_type=args.type,
        domain=args.domain,
        server=args.server,
        port=None if args.port is None else grammar.port_text("port", args.port),
        ssl_enabled=not args.no_ssl,
        email=args.email,
        env=tuple(_pair(text) for text in args.env),
        secrets=tuple(args.secret),
        environments=(EnvironmentRequest(name=args.environment, branch=args.branch, health_path=args.health_path),),
        nginx_version=args.nginx_version,
        openssl_version=args.openssl_version,
    )


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        # The text may be a value that lost its name, so it is not repeated.
        raise InvalidValue("env", "not of the form NAME=VALUE")
    return name, value


def _refuse_edited(out: Path, generated: Generated) -> None:
    """Raise CommandFailed for a file that is neither what was last written there nor what would be written now."""
    written = _written_before(out)
    for path, text in generated.files:
        file = out / path
        if path == EXPLAIN or not file.exists():
            continue
        there = file.read_bytes()
        digest = hashlib.sha256(there).hexdigest()
        if digest not in (written.get(path), hashlib.sha256(text.encode()).hexdigest()):
            before, after = there.decode(errors="replace").splitlines(True), text.splitlines(True)
            sys.stdout.writelines(difflib.unified_diff(before, after, str(file), f"{path} as generated"))
            raise CommandFailed(f"{file} was edited by hand; move it away, or overwrite it with --force")


def _written_before(out: Path) -> dict[str, str]:
    try:
        listed = json.loads((out / EXPLAIN).read_text())["files"]
        return {entry["path"]: entry["sha256"] for entry in listed}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(path: Path, text: str) -> None:
    """Replace a file whole: a reader sees the old text or the new one, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".penstock-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o755 if path.suffix == ".sh" else 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _summary(out: Path, generated: Generated, *, placeholder: bool) -> Iterator[str]:
    yield f"{generated.project_type} at {generated.host}"
    yield ""
    for path, text in generated.files:
        yield f"  {len(text.encode()):>7}  {out / path}"
    yield ""
    yield "Set in Bitbucket before the first run (* secured):"
    for variable in generated.variables:
        if variable.required:
            yield f"  {variable.name + ('*' if variable.secured else ''):<20} {variable.meaning}"
    if placeholder:
        yield ""
        yield f"No --domain was given: {generated.host} stands in for it in the nginx and certificate files."
