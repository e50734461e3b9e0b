"""What generation knows of each kind of project: one file a family, one line a kind."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import Environment

from service.configs.grammar import InvalidValue
from service.configs.kinds import django, docker, fullstack, nextjs, node, python, static
from service.configs.plan import Plan
from service.projects.model import Detection

Planner = Callable[[Detection, Environment], Plan]


def _alone(plan: Callable[[Detection], Plan]) -> Planner:
    return lambda detection, _templates: plan(detection)


KINDS: dict[str, Planner] = {
    "react": _alone(static.plan),
    "vue": _alone(static.plan),
    "angular": _alone(static.plan),
    "svelte": _alone(static.plan),
    "astro": _alone(static.plan),
    "gatsby": _alone(static.plan),
    "static": _alone(static.plan),
    "node": _alone(node.plan),
    "express": _alone(node.plan),
    "nestjs": _alone(node.plan),
    "nuxt": _alone(node.plan),
    "sveltekit": _alone(node.plan),
    "remix": _alone(node.plan),
    "nextjs": _alone(nextjs.plan),
    "flask": _alone(python.plan),
    "fastapi": _alone(python.plan),
    "python": _alone(python.plan),
    "django": _alone(django.plan),
    "fullstack": _alone(fullstack.plan),
    "docker": docker.plan,
}

# Kinds that travel as an image: their servers need no runtime of the language.
AS_IMAGE = ("go", "rust", "java", "php", "laravel", "ruby", "rails", "dotnet", "deno", "elixir")


def plan(detection: Detection, templates: Environment) -> Plan:
    """The plan for the detected kind. Raises InvalidValue when there is none to generate for."""
    planner = docker.plan if detection.type in AS_IMAGE else KINDS.get(detection.type)
    if planner is None:
        known = ", ".join(sorted(KINDS))
        raise InvalidValue("project_type", f"nothing is generated for {detection.type}; choose one of {known}")
    return planner(detection, templates)
