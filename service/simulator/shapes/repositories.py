"""Repositories as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from service.simulator.clock import webhook_time
from service.simulator.cloud import SITE
from service.simulator.shapes.people import Json, actor, links

if TYPE_CHECKING:
    from service.simulator.repository import Repository


def small(repository: Repository) -> Json:
    """The repository as a part of something else."""
    return {
        "type": "repository",
        "full_name": repository.full_name,
        "links": links(
            self=repository.api,
            html=repository.html,
            avatar=f"https://bytebucket.org/ravatar/{quote(repository.uuid)}?ts=default",
        ),
        "name": repository.name,
        "uuid": repository.uuid,
    }


def in_webhook(repository: Repository) -> Json:
    """The repository at the top of a delivery."""
    return small(repository) | {
        "scm": "git",
        "website": None,
        "owner": actor(repository.owner, repository.cloud.api_url),
        "workspace": workspace(repository),
        "is_private": True,
        "project": project(repository),
        "parent": None,
    }


def full(repository: Repository) -> Json:
    """The answer to `GET /repositories/{workspace}/{repo_slug}`."""
    below = ("pullrequests", "commits", "forks", "watchers", "branches", "tags", "downloads", "source", "hooks")
    paths = {"branches": "refs/branches", "tags": "refs/tags", "source": "src"}
    shape = in_webhook(repository)
    shape["links"] |= links(**{name: f"{repository.api}/{paths.get(name, name)}" for name in below})
    shape["links"]["clone"] = [
        {"name": "https", "href": f"{repository.html}.git"},
        {"name": "ssh", "href": f"git@bitbucket.org:{repository.full_name}.git"},
    ]
    return shape | {
        "slug": repository.slug,
        "description": "",
        "fork_policy": "no_public_forks",
        "created_on": webhook_time(repository.created_on),
        "updated_on": webhook_time(repository.created_on),
        "size": sum(len(content) for content in repository.head().files.values()),
        "language": "",
        "mainbranch": {"name": repository.refs.main, "type": "branch"},
        "override_settings": {"default_merge_strategy": False, "branching_model": False},
        "has_issues": False,
        "has_wiki": False,
    }


def workspace(repository: Repository) -> Json:
    return {
        "type": "workspace",
        "uuid": repository.owner.uuid,
        "name": repository.owner.name,
        "slug": repository.workspace,
        "links": links(
            avatar=f"{SITE}/workspaces/{repository.workspace}/avatar/",
            html=f"{SITE}/{repository.workspace}/",
            self=f"{repository.cloud.api_url}/workspaces/{repository.workspace}",
        ),
    }


def project(repository: Repository) -> Json:
    page = f"{SITE}/{repository.workspace}/workspace/projects/PROD"
    return {
        "type": "project",
        "key": "PROD",
        "uuid": repository.project_uuid,
        "name": "Products",
        "links": links(
            self=f"{repository.cloud.api_url}/workspaces/{repository.workspace}/projects/PROD",
            html=page,
            avatar=f"{page}/avatar/32",
        ),
    }
