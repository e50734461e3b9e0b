"""What a person asks for when files are generated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from service.configs import grammar
from service.configs.grammar import InvalidValue

__all__ = ["EnvironmentRequest", "InvalidValue", "Request"]

EnvironmentKind = Literal["test", "staging", "production"]

PLACEHOLDER_HOST = "example.com"


def _check_place(domain: str | None, subdomain: str | None, server: str | None, port: int | None) -> None:
    if domain is not None:
        grammar.hostname("domain", domain)
    if subdomain is not None:
        grammar.label("subdomain", subdomain)
    if server is not None:
        grammar.server("server", server)
    if port is not None:
        grammar.port("port", port)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRequest:
    """One place that releases go to. What is None is taken from the Request.

    `branch` is a name or a glob of `pipelines.branches`; `health_path` is asked for status 200, None means that any
    answer below 500 from `/` counts as alive. Raises InvalidValue naming the field.
    """

    name: str = "production"
    kind: EnvironmentKind = "production"
    branch: str = "main"
    server: str | None = None
    domain: str | None = None
    subdomain: str | None = None
    port: int | None = None
    health_path: str | None = None
    requires_approval: bool = False

    def __post_init__(self) -> None:
        grammar.environment_name("environment", self.name)
        grammar.branch("branch", self.branch)
        _check_place(self.domain, self.subdomain, self.server, self.port)
        if self.health_path is not None:
            grammar.url_path("health_path", self.health_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Settings of a generation; every value is checked by its grammar when the Request is made.

    `env` holds names and values of plain variables, `secrets` only names: values live in Bitbucket's variables and
    reach the server from there, no generated file holds one. `nginx_version` and `openssl_version` are the server's.
    Raises InvalidValue naming the field.
    """

    project_type: str | None = None
    domain: str | None = None
    subdomain: str | None = None
    server: str | None = None
    port: int | None = None
    ssl_enabled: bool = True
    email: str | None = None
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = ()
    environments: tuple[EnvironmentRequest, ...] = (EnvironmentRequest(),)
    nginx_version: str = "1.22"
    openssl_version: str = "3.0"
    keep_releases: int = 5

    def __post_init__(self) -> None:
        _check_place(self.domain, self.subdomain, self.server, self.port)
        for name, value in self.env:
            grammar.env_name("env", name)
            grammar.env_value(f"env.{name}", value)
        for name in self.secrets:
            grammar.env_name("secret", name)
        if self.email is not None:
            grammar.email("email", self.email)
        grammar.version("nginx_version", self.nginx_version)
        grammar.version("openssl_version", self.openssl_version)
        if not 2 <= self.keep_releases <= 100:
            raise InvalidValue("keep_releases", "2 to 100: the live release and the one to go back to stay")
        names = [environment.name.lower() for environment in self.environments]
        if len(set(names)) != len(names) or not names:
            raise InvalidValue("environments", "at least one, and each name once")

    def variable_names(self) -> tuple[str, ...]:
        """Names of the application's variables, plain before secret, each once, in the order given.

        Not PORT: which one the application listens on follows from `port`, and differs for a candidate.
        """
        names = dict.fromkeys((*(name for name, _ in self.env), *self.secrets))
        return tuple(name for name in names if name != "PORT")

    def host(self, environment: EnvironmentRequest) -> str:
        """The full host name of an environment, `<subdomain>.<domain>`."""
        domain = environment.domain or self.domain or PLACEHOLDER_HOST
        subdomain = environment.subdomain or self.subdomain
        return grammar.hostname("domain", f"{subdomain}.{domain}" if subdomain else domain)
