"""Accounts and API tokens."""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from datetime import timedelta

from service import passwords
from service.cli import opening
from service.cli.errors import CommandFailed
from service.cli.numbers import number
from service.cli.output import show_json, show_table
from service.cli.saying import say
from service.clock import written
from service.recorder import Recorder
from service.store import accounts, identities
from service.store.audit import CONSOLE

UUID = re.compile(r"\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}\Z")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}\Z")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    user = commands.add_parser("user", help="local accounts").add_subparsers(metavar="ACTION", required=True)
    add = user.add_parser("add", help="make an account; the password is asked for")
    add.add_argument("name")
    add.add_argument("--admin", action="store_true", help="may see and do everything")
    add.add_argument("--password-stdin", action="store_true", help="the first line of standard input is the password")
    add.set_defaults(run=add_user)
    listing = user.add_parser("list", help="all accounts")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=list_users)
    link = user.add_parser("link", help="say which account at Bitbucket signs in as this one")
    link.add_argument("name")
    link.add_argument("uuid", help="the account's uuid at Bitbucket, with or without its braces")
    link.set_defaults(run=link_user)
    remove = user.add_parser("remove", help="end an account with its tokens and sessions")
    remove.add_argument("name")
    remove.set_defaults(run=remove_user)

    token = commands.add_parser("token", help="API tokens").add_subparsers(metavar="ACTION", required=True)
    create = token.add_parser("create", help="make a token; it is shown this once, alone on standard output")
    create.add_argument("user")
    create.add_argument("--name", default="token", help="what it is for")
    create.add_argument(
        "--expires-days", type=number(1, 36500), metavar="D", help="days until it ends (default: never)"
    )
    create.add_argument(
        "--scope",
        action="append",
        choices=accounts.SCOPES,
        help="read: look; operate: trigger, stop, approve; admin: configure (repeatable; default: all three)",
    )
    create.set_defaults(run=create_token)
    tokens = token.add_parser("list", help="all tokens, without their texts")
    tokens.add_argument("--json", action="store_true")
    tokens.set_defaults(run=list_tokens)
    revoke = token.add_parser("revoke", help="end a token; `token list` shows the ids")
    revoke.add_argument("id", type=number(1, 2**63 - 1))
    revoke.set_defaults(run=revoke_token)


def add_user(args: argparse.Namespace) -> int:
    if not NAME.match(args.name):
        raise CommandFailed(f"{args.name!r} cannot be a name: up to 100 letters, digits and . _ @ + -")
    try:
        password_hash = passwords.hash_password(_password(from_stdin=args.password_stdin))
    except passwords.TooShort as error:
        raise CommandFailed(str(error)) from None

    async def add(recorder: Recorder) -> None:
        async with recorder.record() as record:
            await accounts.add_user(record.connection, args.name, password_hash, is_admin=args.admin, now=record.now)
            record.audit(CONSOLE, "user.added", f"user {args.name}", admin=args.admin)

    try:
        opening.run(add)
    except accounts.NameTaken as error:
        raise CommandFailed(str(error)) from None
    say(f"{args.name} may sign in{' and administrate' if args.admin else ''}")
    return 0


def list_users(args: argparse.Namespace) -> int:
    async def ask(recorder: Recorder) -> list[accounts.Account]:
        async with recorder.database.read() as connection:
            return await accounts.list_users(connection)

    found = opening.run(ask)
    rows = [{"id": u.id, "name": u.name, "admin": u.is_admin, "created_at": written(u.created_at)} for u in found]
    if args.json:
        show_json(rows)
    elif rows:
        show_table(["ID", "NAME", "ADMIN", "CREATED"], [[*row.values()] for row in rows])
    else:
        say("no accounts yet: `penstock user add NAME --admin` makes the first")
    return 0


def link_user(args: argparse.Namespace) -> int:
    uuid = f"{{{args.uuid.strip('{}').lower()}}}"
    if not UUID.match(uuid):
        raise CommandFailed(
            f"{args.uuid!r} is not a uuid as Bitbucket has them: {{0d1a7c3f-7c8e-4f1f-9a57-2f9b4c1d7e01}}"
        )

    async def link(recorder: Recorder) -> None:
        async with recorder.record() as record:
            account = await accounts.user_named(record.connection, args.name)
            if account is None:
                raise CommandFailed(f"there is no account named {args.name!r}; `penstock user list` names them all")
            await identities.link(record.connection, account.id, uuid, nickname="", now=record.now)
            record.audit(CONSOLE, "user.linked", f"user {args.name}", uuid=uuid)

    try:
        opening.run(link)
    except identities.Linked as error:
        raise CommandFailed(str(error)) from None
    return 0


def remove_user(args: argparse.Namespace) -> int:
    async def remove(recorder: Recorder) -> bool:
        async with recorder.record() as record:
            removed = await accounts.remove_user(record.connection, args.name)
            if removed:
                record.rights_changed()
                record.audit(CONSOLE, "user.removed", f"user {args.name}")
            return removed

    if not opening.run(remove):
        raise CommandFailed(f"there is no account named {args.name!r}; `penstock user list` shows them all")
    say(f"{args.name} is gone, with all tokens and sessions")
    return 0


def create_token(args: argparse.Namespace) -> int:
    async def create(recorder: Recorder) -> str | None:
        async with recorder.record() as record:
            user = await accounts.user_named(record.connection, args.user)
            if user is None:
                return None
            ends = record.now + timedelta(days=args.expires_days) if args.expires_days else None
            scopes = tuple(scope for scope in accounts.SCOPES if scope in (args.scope or accounts.SCOPES))
            record.audit(CONSOLE, "token.created", f"user {user.name}", name=args.name[:100], scopes=scopes)
            return await accounts.add_token(
                record.connection, user.id, args.name[:100], now=record.now, expires_at=ends, scopes=scopes
            )

    token = opening.run(create)
    if token is None:
        raise CommandFailed(f"there is no account named {args.user!r}; `penstock user add {args.user}` makes it")
    say(token)
    return 0


def list_tokens(args: argparse.Namespace) -> int:
    async def ask(recorder: Recorder) -> list[accounts.Token]:
        async with recorder.database.read() as connection:
            return await accounts.list_tokens(connection)

    rows = [
        {
            "id": t.id,
            "user": t.user,
            "name": t.name,
            "scopes": " ".join(t.scopes),
            "created_at": written(t.created_at),
            "expires_at": written(t.expires_at),
            "used_at": written(t.used_at),
        }
        for t in opening.run(ask)
    ]
    if args.json:
        show_json(rows)
    elif rows:
        show_table(["ID", "USER", "NAME", "SCOPES", "CREATED", "EXPIRES", "USED"], [[*row.values()] for row in rows])
    else:
        say("no tokens yet: `penstock token create USER` makes one")
    return 0


def revoke_token(args: argparse.Namespace) -> int:
    async def revoke(recorder: Recorder) -> bool:
        async with recorder.record() as record:
            revoked = await accounts.revoke_token(record.connection, args.id)
            if revoked:
                record.rights_changed()
                record.audit(CONSOLE, "token.revoked", f"token {args.id}")
            return revoked

    if not opening.run(revoke):
        raise CommandFailed(f"there is no token {args.id}; `penstock token list` shows them all")
    say(f"token {args.id} is revoked")
    return 0


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandFailed("there is no terminal to ask for the password; use --password-stdin")
    first = getpass.getpass("password (12 characters or more): ")
    if getpass.getpass("once more: ") != first:
        raise CommandFailed("the two passwords differ")
    return first
