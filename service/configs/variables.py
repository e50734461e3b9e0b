"""The variables that a person sets in Bitbucket for the generated steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from service.configs.plan import Plan
from service.configs.request import Request


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: where it belongs (a deployment environment or the repository), and whether to secure it."""

    name: str
    scope: Literal["deployment", "repository"]
    secured: bool
    required: bool
    meaning: str


_SERVER = (
    Variable("SSH_HOST", "deployment", False, True, "address of the server"),
    Variable("SSH_USER", "deployment", False, False, "user that owns the releases; deploy by default"),
    Variable("SSH_PORT", "deployment", False, False, "port of the SSH server; 22 by default"),
    Variable(
        "SSH_KNOWN_HOSTS", "deployment", False, True, "what ssh-keyscan prints for the server, compared by a person"
    ),
    Variable("SSH_PRIVATE_KEY", "deployment", True, True, "base64 -w0 of a private key without a passphrase"),
    Variable("DEPLOY_PATH", "deployment", False, False, "directory of the releases; /srv/<name> by default"),
    Variable("HEALTHCHECK_URL", "deployment", False, False, "public address that is asked after the switch, or off"),
    Variable("HEALTHCHECK_PATH", "deployment", False, False, "path that is asked on the candidate and on the site"),
    Variable("HEALTHCHECK_STATUS", "deployment", False, False, "status that counts as healthy, or any below 500"),
)
_REGISTRY = (
    Variable("REGISTRY_HOST", "repository", False, True, "host of the image registry"),
    Variable("REGISTRY_NAMESPACE", "repository", False, True, "organisation or project in the registry"),
    Variable("REGISTRY_USER", "repository", False, True, "account that pushes and pulls"),
    Variable("REGISTRY_PASSWORD", "repository", True, True, "token of that account"),
)


def contract(plan: Plan, request: Request) -> tuple[Variable, ...]:
    """Every variable that the generated steps read and do not set themselves."""
    secrets = set(request.secrets)
    own = tuple(
        Variable(name, "deployment", name in secrets, True, "the application's own; written to shared/.env.pipeline")
        for name in request.variable_names()
    )
    return (*_SERVER, *(_REGISTRY if plan.run == "docker" else ()), *own)
