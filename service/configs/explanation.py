"""explain.json: what was found, what was decided, why."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from service.configs.pipeline import rollback_name
from service.configs.place import Target
from service.configs.plan import Decision
from service.configs.variables import Variable
from service.projects.model import Detection

Files = tuple[tuple[str, str], ...]


def explanation(
    detection: Detection,
    targets: tuple[Target, ...],
    decisions: tuple[Decision, ...],
    variables: tuple[Variable, ...],
    files: Files,
) -> str:
    """The text of explain.json: evidence, places, decisions, variables, and the digest of every other file."""
    # How long the analysis took differs from run to run, and these bytes must not.
    detected: dict[str, Any] = msgspec.to_builtins(detection)
    del detected["analysis_ms"]
    content = {
        "detection": detected,
        "environments": [
            {
                "name": one.environment.name,
                "branch": one.environment.branch,
                "host": one.place.host,
                "deploy_path": one.place.deploy_path,
                "port": one.place.port,
                "candidate_port": one.place.candidate_port,
                "rollback_pipeline": rollback_name(one, targets),
            }
            for one in targets
        ],
        "decisions": [msgspec.to_builtins(decision) for decision in decisions],
        "variables": [msgspec.to_builtins(variable) for variable in variables],
        # Whoever writes these files tells by the digests which of them were edited since.
        "files": [{"path": path, "sha256": hashlib.sha256(text.encode()).hexdigest()} for path, text in files],
    }
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"
