"""The shape a setting must have before it may appear in a generated file.

Values are refused, never escaped: what passes here holds no character that YAML, nginx or a shell gives a meaning to.
"""

from __future__ import annotations

import ipaddress
import re

import idna

RESERVED_ENDINGS = frozenset({"localhost", "local", "internal", "invalid", "test", "onion", "arpa"})

# Names that change how programs start, that Bitbucket sets itself, or that the generated steps own.
DENIED_NAMES = frozenset(
    {
        "PATH", "HOME", "SHELL", "USER", "PWD", "IFS", "ENV", "PS4", "CI", "BASH_ENV", "BASHOPTS", "SHELLOPTS",
        "PROMPT_COMMAND", "CDPATH", "GLOBIGNORE", "TMPDIR", "NODE_OPTIONS", "PYTHONSTARTUP", "PYTHONHOME", "PERL5OPT",
        "RUBYOPT", "JAVA_TOOL_OPTIONS", "RELEASE",
    }
)  # fmt: skip
DENIED_PREFIXES = (
    "BITBUCKET_", "PIPELINES_", "DEPLOY_", "HEALTHCHECK_", "REGISTRY_", "SSH_", "GIT_", "DOCKER_", "LD_", "DYLD_",
    "BASH_FUNC_", "NPM_CONFIG_", "PIP_",
)  # fmt: skip

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)  # as a last label it makes the name an IPv4 address
_ENV_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,127}", re.ASCII)
_BRANCH = re.compile(r"[A-Za-z0-9_*?{][A-Za-z0-9._/*?@+{},-]{0,254}", re.ASCII)
_CHOICE = re.compile(r"\{[^{},]+(,[^{},]+)*\}")  # one inside another is nothing that Bitbucket knows
_ENVIRONMENT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)
_URL_PATH = re.compile(r"/[A-Za-z0-9._~/-]{0,200}", re.ASCII)
_RELATIVE_PATH = re.compile(r"[A-Za-z0-9._@+ ()\[\]-][A-Za-z0-9._@+ ()\[\]/-]{0,400}", re.ASCII)
_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@([A-Za-z0-9.-]{1,253})", re.ASCII)
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,2}", re.ASCII)
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


class InvalidValue(ValueError):
    """A setting that may not go into a file. `field` is the setting's name as the caller knows it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def hostname(field: str, text: str) -> str:
    """Return the A-label form of a public host name (RFC 1123, UTS 46). Raises InvalidValue."""
    if not text or not text.isprintable() or any(character in text for character in " _*~^%\\/:@?#[]{}();'\"$&|<>`,"):
        raise InvalidValue(field, "not a host name; letters, digits, hyphens, with dots between the labels")
    try:
        ascii_name = idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise InvalidValue(field, f"not a host name: {error}") from None
    labels = ascii_name.split(".")
    if len(ascii_name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidValue(field, "not a host name; at most 253 characters, labels of 1 to 63 letters, digits, hyphens")
    if len(labels) < 2 or _NUMBER.fullmatch(labels[-1]) or labels[-1] in RESERVED_ENDINGS:
        raise InvalidValue(field, "not a public host name; write it in full, for example app.example.com")
    return ascii_name


def label(field: str, text: str) -> str:
    """Return a sub-domain (one or more labels) unchanged in meaning, as A-labels. Raises InvalidValue."""
    return hostname(field, f"{text}.example.com").removesuffix(".example.com")


def server(field: str, text: str) -> str:
    """Return the address of a server: an IP address or a host name. Raises InvalidValue."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return hostname(field, text)


def port(field: str, value: int) -> int:
    """Return a TCP port. Raises InvalidValue for anything but an int from 1 to 65535 (a bool is no port)."""
    if type(value) is not int or not 1 <= value <= 65535:
        raise InvalidValue(field, "not a port; a whole number from 1 to 65535")
    return value


def port_text(field: str, text: str) -> int:
    """Return the port that a command line argument spells in ASCII digits. Raises InvalidValue."""
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII):
        raise InvalidValue(field, "not a port; a whole number from 1 to 65535")
    return port(field, int(text))


def env_name(field: str, text: str) -> str:
    """Return the name of an environment variable that a project may set. Raises InvalidValue."""
    if not _ENV_NAME.fullmatch(text):
        raise InvalidValue(field, "not a variable name; capital letters, digits and _, not starting with a digit")
    if text in DENIED_NAMES or text.startswith(DENIED_PREFIXES):
        raise InvalidValue(
            field, f"{text} is reserved: it steers the build or the deployment itself; choose another name"
        )
    return text


def env_value(field: str, text: str) -> str:
    """Return a variable's value unchanged. Raises InvalidValue for control characters and what UTF-8 cannot hold."""
    if _UNPRINTABLE.search(text):
        raise InvalidValue(field, "holds a control character; store binary or multi-line values as base64")
    return text


def branch(field: str, text: str) -> str:
    """Return a branch name or glob as `pipelines.branches` takes it: with `*`, `?`, `{a,b}`. Raises InvalidValue."""
    if (
        not _BRANCH.fullmatch(text)
        or any(character in _CHOICE.sub("", text) for character in "{},")
        or ".." in text
        or "//" in text
        or "@{" in text
        or text.endswith(("/", ".", ".lock"))
    ):
        raise InvalidValue(field, "not a branch name; letters, digits, . _ / - and, as wildcards, * ? {a,b}")
    return text


def environment_name(field: str, text: str) -> str:
    """Return the name of a deployment environment. Raises InvalidValue."""
    if not _ENVIRONMENT.fullmatch(text):
        raise InvalidValue(field, "not an environment name; a letter, then letters, digits, - and _, at most 32")
    return text


def url_path(field: str, text: str) -> str:
    """Return the path of a URL that starts with a slash. Raises InvalidValue."""
    if not _URL_PATH.fullmatch(text) or ".." in text or "//" in text:
        raise InvalidValue(field, "not a path; it starts with / and holds letters, digits, . _ ~ - and /")
    return text


def relative_path(field: str, text: str) -> str:
    """Return a path inside the repository. Raises InvalidValue for one that leads out of it."""
    parts = text.split("/")
    if not _RELATIVE_PATH.fullmatch(text) or ".." in parts or text.startswith("-"):
        raise InvalidValue(field, "not a path inside the repository")
    return text


def email(field: str, text: str) -> str:
    """Return an e-mail address. Raises InvalidValue."""
    match = _EMAIL.fullmatch(text)
    if not match:
        raise InvalidValue(field, "not an e-mail address")
    hostname(field, match[1])
    return text


def version(field: str, text: str) -> tuple[int, ...]:
    """Return a dotted version as numbers. Raises InvalidValue."""
    if not _VERSION.fullmatch(text):
        raise InvalidValue(field, "not a version; numbers with dots, for example 1.26")
    return tuple(int(part) for part in text.split("."))
