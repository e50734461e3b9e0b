"""What is asked for an environment."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from service.web.health_checks import HealthCheck, checked_health_check
from service.web.places import checked_place
from service.web.variables import VariableBody
from service.web.words import Name, Port, Text

Kind = Literal["test", "staging", "production"]
Policy = Literal["manual", "on_failure", "on_failed_health_check"]
Busy = Literal["reject", "queue", "supersede"]


class NewEnvironment(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is left out is the pipeline's: server, domain, sub-domain, port, variables.

    With `commit_status`, what came of a commit there is written onto it at Bitbucket, as a build status.
    """

    name: Name
    kind: Kind
    branch_pattern: Text
    server_ip: Text | None = None
    domain: Text | None = None
    subdomain: Text | None = None
    port: Port | None = None
    environment_variables: list[VariableBody] = []
    requires_approval: bool = False
    rollback_policy: Policy = "manual"
    when_busy: Busy = "reject"
    health_check: HealthCheck | None = None
    keep_variable_values: bool = False
    commit_status: bool = False


class EnvironmentChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Any of an environment's fields but its name; null takes a value of its own away."""

    kind: Kind | msgspec.UnsetType = msgspec.UNSET
    branch_pattern: Text | msgspec.UnsetType = msgspec.UNSET
    server_ip: Text | msgspec.UnsetType | None = msgspec.UNSET
    domain: Text | msgspec.UnsetType | None = msgspec.UNSET
    subdomain: Text | msgspec.UnsetType | None = msgspec.UNSET
    port: Port | msgspec.UnsetType | None = msgspec.UNSET
    environment_variables: list[VariableBody] | msgspec.UnsetType = msgspec.UNSET
    requires_approval: bool | msgspec.UnsetType = msgspec.UNSET
    rollback_policy: Policy | msgspec.UnsetType = msgspec.UNSET
    when_busy: Busy | msgspec.UnsetType = msgspec.UNSET
    health_check: HealthCheck | msgspec.UnsetType | None = msgspec.UNSET
    keep_variable_values: bool | msgspec.UnsetType = msgspec.UNSET
    commit_status: bool | msgspec.UnsetType = msgspec.UNSET


def values_of(wanted: NewEnvironment | EnvironmentChange, *, allow_private: bool) -> dict[str, Any]:
    """The given fields as an environment has them, its variables apart."""
    given = {name: getattr(wanted, name) for name in wanted.__struct_fields__ if name != "environment_variables"}
    given = {name: value for name, value in given.items() if value is not msgspec.UNSET}
    if given.get("health_check") is not None:
        given["health_check"] = checked_health_check(given["health_check"], allow_private=allow_private)
    return checked_place(given)
