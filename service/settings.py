"""Every setting, with its default and its meaning: read once, at the edge, into one frozen value."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "PENSTOCK_"


class BadSetting(ValueError):
    """A setting cannot be used. The text names the variable, what is wrong and what would be right."""


def _setting(default: Any, meaning: str, *, shown: str | None = None, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"meaning": meaning, "shown": shown, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field per environment variable `PENSTOCK_<NAME>`. Times are in seconds, sizes in bytes."""

    data_dir: Path = _setting(
        Path("penstock-data"), "database and keys of the embedded default", shown="./penstock-data"
    )
    database_url: str = _setting(
        "",
        "`sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`",
        shown="SQLite file in the data dir",
        secret=True,
    )
    bus_url: str = _setting(
        "",
        "`memory:`, `postgresql:` (LISTEN/NOTIFY on the same database) or `redis://…`",
        shown="chosen from the database",
        secret=True,
    )
    public_url: str = _setting("", "what Bitbucket and links use", shown="http://<host>:<port>")
    secret_keys: str = _setting(
        "",
        "comma-separated; the first encrypts, all decrypt",
        shown="generated into the data dir, mode 0600",
        secret=True,
    )
    bitbucket_api_url: str = _setting("https://api.bitbucket.org/2.0", "the simulator or a proxy")
    max_webhook_bytes: int = _setting(327680, "largest webhook body (Bitbucket stops at 256 KB)")
    max_body_bytes: int = _setting(1048576, "largest API body")
    poll_seconds: float = _setting(5.0, "how often a watched execution's steps and log are looked at")
    reconcile_seconds: float = _setting(
        60.0, "how often running executions are compared with Bitbucket when no webhook comes"
    )
    rate_budget_per_hour: int = _setting(900, "calls to Bitbucket per credential and hour")
    allow_private_targets: bool = _setting(
        False, "lets notification targets, health probes and log storage be private addresses or plain http"
    )
    confirm_below: float = _setting(
        0.8, "a new kind of project found with less confidence (0 to 1) changes nothing until a person confirms it"
    )
    expect_seconds: float = _setting(1800.0, "how long an execution waits for the run that its push announced")
    run_seconds: float = _setting(21600.0, "how long a run may stay silent before it counts as lost")
    wait_seconds: float = _setting(604800.0, "how long an execution waits for an approval or for its turn")
    keep_entries_days: int = _setting(90, "how long the event log is kept; older cursors get `reset`")
    keep_bodies_days: int = _setting(30, "how long the raw bodies of processed deliveries are kept")
    keep_releases_days: int = _setting(
        0, "how long releases are kept, 0 for good; those that a rollback may need stay in any case"
    )
    max_streams: int = _setting(4000, "open streams of one process; a further one gets a 503")
    max_streams_per_user: int = _setting(2000, "open streams of one account in one process")
    allowed_hosts: str = _setting("", "further host names, comma-separated, under which the pages and the API answer")
    trusted_proxies: str = _setting("", "addresses, comma-separated, whose X-Forwarded-For is believed")
    sign_in_client_id: str = _setting("", "an OAuth consumer's key: people may sign in with their Bitbucket accounts")
    sign_in_client_secret: str = _setting("", "its secret", secret=True)
    sign_in_workspace: str = _setting("", "whose members may come in with their Bitbucket accounts")
    sign_in_accounts: str = _setting("", "uuids of further Bitbucket accounts, comma-separated, that may come in")
    smtp_url: str = _setting(
        "",
        "where mail is handed in: `smtps://user:password@host`, or `smtp://…` for STARTTLS; `?starttls=never`: neither",
        secret=True,
    )
    mail_from: str = _setting("", "who mail comes from: `Penstock <penstock@example.com>`")
    templates: str = _setting(
        "", "a directory of your own templates: each `notifications/<event>.txt` in it goes before the shipped one"
    )
    log_level: str = _setting("info", "debug, info, warning or error")

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'penstock.db').absolute()}"

    @property
    def bus(self) -> str:
        return self.bus_url or ("postgresql:" if self.database.startswith("postgresql") else "memory:")


def from_environ(environ: Mapping[str, str]) -> Settings:
    """Raises BadSetting for a name that is not known (with the nearest one that is) and for an unusable value."""
    known = {PREFIX + f.name.upper(): f for f in fields(Settings)}
    given: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in CLIENT or name.startswith(TESTS):
            continue
        if name not in known:
            near = difflib.get_close_matches(name, [*known, *CLIENT], n=1, cutoff=0.0)
            raise BadSetting(f"{name} is not a setting; did you mean {near[0]}? `penstock settings` lists them all")
        given[known[name].name] = _read(name, known[name].default, text.strip())
    return _checked(Settings(**given))


# Read by the commands that speak to a running service, not by the service.
CLIENT = frozenset({PREFIX + "URL", PREFIX + "TOKEN"})

# Names that the tests read, and that may stand in the same environment.
TESTS = PREFIX + "TEST_"

# (least, most). A day count must leave a date, a size must fit a buffer.
LIMITS = {
    "max_webhook_bytes": (1024, 2**30),
    "max_body_bytes": (1024, 2**30),
    "rate_budget_per_hour": (1, 10**6),
    "confirm_below": (0, 1),
    "keep_entries_days": (1, 36500),
    "keep_bodies_days": (1, 36500),
    "keep_releases_days": (0, 36500),
    "max_streams": (1, 10**6),
    "max_streams_per_user": (1, 10**6),
}


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines of a `.env`; quotes around a value and lines that start with # are dropped."""
    found: dict[str, str] = {}
    if not path.is_file():
        return found
    for line in path.read_text(encoding="utf-8").splitlines():
        name, sign, text = line.strip().removeprefix("export ").partition("=")
        if sign and not name.startswith("#"):
            text = text.strip()
            found[name.strip()] = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    return found


def _read(name: str, default: Any, text: str) -> Any:
    try:
        if isinstance(default, bool):
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}[
                text.lower()
            ]
        return type(default)(text)
    except (ValueError, KeyError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}.get(type(default), "a text")
        raise BadSetting(f"{name} must be {wanted}, not {text!r}") from None


def _checked(settings: Settings) -> Settings:
    for name, (least, most) in LIMITS.items():
        if not least <= getattr(settings, name) <= most:
            raise BadSetting(f"{PREFIX}{name.upper()} must be from {least} to {most}, not {getattr(settings, name)}")
    for name in ("poll_seconds", "reconcile_seconds", "expect_seconds", "run_seconds", "wait_seconds"):
        if not 0 < getattr(settings, name) < 10**9:
            raise BadSetting(
                f"{PREFIX}{name.upper()} must be a number of seconds above 0, not {getattr(settings, name)}"
            )
    if settings.log_level.lower() not in ("debug", "info", "warning", "error"):
        raise BadSetting(f"{PREFIX}LOG_LEVEL must be debug, info, warning or error, not {settings.log_level!r}")
    if settings.templates and not Path(settings.templates).is_dir():
        raise BadSetting(f"{PREFIX}TEMPLATES must be a directory that is there, not {settings.templates!r}")
    _check_signing_in(settings)
    _check_mail(settings)
    _check_database(settings.database)
    for name in ("public_url", "bitbucket_api_url"):
        value = getattr(settings, name)
        if value and not value.startswith(("http://", "https://")):
            raise BadSetting(f"{PREFIX}{name.upper()} must begin with https:// or http://, not {value!r}")
    return settings


def _check_mail(settings: Settings) -> None:
    if not settings.smtp_url:
        return
    name = f"{PREFIX}SMTP_URL"
    try:
        parts = urlsplit(settings.smtp_url)
        usable = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.path.strip("/") or parts.query not in ("", "starttls=never"):
        raise BadSetting(f"{name} must look like smtps://user:password@mail.example.com or smtp://mail.example.com:587")
    if parts.query and (parts.scheme == "smtps" or parts.username):
        raise BadSetting(f"{name} may say starttls=never with smtp:// and no password only: one would go in the clear")
    _, at, domain = parseaddr(settings.mail_from)[1].rpartition("@")
    if not at or not domain or not settings.mail_from.isprintable():
        raise BadSetting(f"{PREFIX}MAIL_FROM must say who mail comes from, such as Penstock <penstock@example.com>")


def _check_signing_in(settings: Settings) -> None:
    if not settings.sign_in_client_id:
        return
    if not settings.sign_in_client_secret:
        raise BadSetting(
            f"{PREFIX}SIGN_IN_CLIENT_SECRET is missing: the consumer named by {PREFIX}SIGN_IN_CLIENT_ID has one"
        )
    if not (settings.sign_in_workspace or settings.sign_in_accounts):
        told = f"{PREFIX}SIGN_IN_WORKSPACE or {PREFIX}SIGN_IN_ACCOUNTS"
        raise BadSetting(f"{told} must say who may come in: an account at Bitbucket is free for everybody")


def _check_database(url: str) -> None:
    """The messages hold no part of the URL that could be a password."""
    scheme, _, place = url.partition("://")
    if scheme not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise BadSetting(f"{PREFIX}DATABASE_URL must begin with sqlite+aiosqlite:// or postgresql+asyncpg://")
    if scheme == "sqlite+aiosqlite" and place.partition("?")[0] in ("", "/", "/:memory:"):
        raise BadSetting(f"{PREFIX}DATABASE_URL must name a file: several connections share no database in memory")
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise BadSetting(f"{PREFIX}DATABASE_URL has a port that is no number, or brackets without an address") from None


def table() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, in order: the README's table is made from it."""
    rows = []
    for f in fields(Settings):
        shown = f.metadata["shown"] or _shown(f.default)
        rows.append((PREFIX + f.name.upper(), shown, f.metadata["meaning"]))
    return rows


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default) or "none"
