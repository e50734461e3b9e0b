"""What a `bitbucket-pipelines.yml` offers to be started by hand."""

from __future__ import annotations

import yaml

FILE = "bitbucket-pipelines.yml"


def custom_pipelines(text: bytes) -> frozenset[str]:
    """The names of its custom pipelines; none where it is no pipelines file: Bitbucket says why, once it is started."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return frozenset()
    pipelines = document.get("pipelines") if isinstance(document, dict) else None
    custom = pipelines.get("custom") if isinstance(pipelines, dict) else None
    return frozenset(map(str, custom)) if isinstance(custom, dict) else frozenset()
