"""What a generation gives back."""

from __future__ import annotations

from dataclasses import dataclass

from service.configs.plan import Decision
from service.configs.variables import Variable

PIPELINES_FILE = "bitbucket-pipelines.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The files, (path relative to the output directory, text), in a fixed order, with what was decided.

    `nginx_config` and `certbot_command` are those of the last environment, production where there is one;
    `rollback_pipelines` are (environment, name of its custom pipeline).
    """

    project_type: str
    host: str
    files: tuple[tuple[str, str], ...]
    decisions: tuple[Decision, ...]
    variables: tuple[Variable, ...]
    rollback_pipelines: tuple[tuple[str, str], ...]
    pipelines_yml: str
    nginx_config: str
    certbot_command: str | None
