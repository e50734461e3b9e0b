"""Django under systemd, with its migrations and static files in the right order."""

from __future__ import annotations

import dataclasses

from service.configs.kinds import python as servers
from service.configs.plan import Decision, Plan, Work
from service.configs.toolchains import Part, python

# collectstatic and the tests import the settings, which often read these and fail without them.
_TEST_ENVIRONMENT = (
    "export SECRET_KEY=only-for-this-test-run",
    "export DJANGO_SECRET_KEY=only-for-this-test-run",
)
_POSTGRES = "export DATABASE_URL=postgresql://postgres@127.0.0.1:5432/pipelines"


def plan(part: Part) -> Plan:
    """As any Python server; the release is migrated, and its static files collected, before it takes over."""
    made = servers.plan(part)
    return dataclasses.replace(
        made,
        checks=checks(part),
        site=dataclasses.replace(made.site, static_dir="site", aliases=(("/media/", "shared/media"),)),
        decisions=(*made.decisions, *decisions()),
    )


def checks(part: Part, title: str = "") -> tuple[Work, ...]:
    """The tests, and before them that no model change lacks its migration."""
    environment = (*_TEST_ENVIRONMENT, *((_POSTGRES,) if "postgres" in part.services else ()))
    before = (*environment, "python3 manage.py makemigrations --check --dry-run")
    return python.checks(part, title, before=before)


def decisions() -> tuple[Decision, ...]:
    """Why this order."""
    return (
        Decision(
            "migrations",
            "before the switch",
            "the live release must bear the new schema: add first, remove one release later; a rollback undoes none",
            "templates/deploy/python-release.sh",
        ),
        Decision(
            "static_files",
            "collectstatic into the release",
            "nginx serves /static/ from it; what is not there is asked of Django",
            "STATIC_ROOT",
        ),
        Decision("media", "shared/media", "uploads outlive releases", "MEDIA_ROOT"),
    )
