"""What `generate` is asked for."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from service.web.places import checked_place
from service.web.variables import VariableBody
from service.web.words import Id, Port, Text

AUTO = "auto"


class NewPipeline(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Names a connected repository by its id, or any by workspace and slug: then it is connected on the way.

    Without a credential nobody can look into the repository, so `project_type` says what it is.
    """

    repository_id: Id | None = None
    workspace: Text | None = None
    slug: Text | None = None
    credential_id: Id | None = None
    project_type: Text = AUTO
    branch: Text | None = None
    subdomain: Text | None = None
    domain: Text | None = None
    server_ip: Text | None = None
    port: Port | None = None
    ssl_enabled: bool = True
    config_delivery: Literal["pull_request", "commit", "manual"] = "pull_request"
    config_skip_ci: bool = False
    environment_variables: list[VariableBody] = []


def settings_of(wanted: NewPipeline) -> dict[str, Any]:
    names = ("subdomain", "domain", "server_ip", "port", "ssl_enabled", "config_delivery", "config_skip_ci", "branch")
    return checked_place({name: getattr(wanted, name) for name in names})
