"""People, teams, workspaces as JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from service.simulator.actors import Actor
from service.simulator.cloud import SITE

Json = dict[str, Any]


def links(**hrefs: str) -> Json:
    return {name: {"href": href} for name, href in hrefs.items()}


def actor(someone: Actor, api_url: str) -> Json:
    """An account. Users have no username, teams have no nickname, tokens act as an `app_user`."""
    uuid = quote(someone.uuid)
    place = "workspaces" if someone.kind == "team" else "users"
    shape: Json = {
        "display_name": someone.name,
        "links": links(
            self=f"{api_url}/{place}/{uuid}",
            avatar=f"{SITE}/account/{someone.username}/avatar/",
            html=f"{SITE}/{uuid}/",
        ),
        "type": someone.kind,
        "uuid": someone.uuid,
    }
    if someone.kind == "team":
        return shape | {"username": someone.username}
    if someone.kind == "app_user":
        return shape | {"account_id": someone.account_id, "account_status": "active", "kind": "repository_access_token"}
    return shape | {"account_id": someone.account_id, "nickname": someone.name}


def author(raw: str, user: Actor | None, api_url: str) -> Json:
    """A commit's author: without the key `user` where the e-mail belongs to no account."""
    shape: Json = {"type": "author", "raw": raw}
    return shape | {"user": actor(user, api_url)} if user else shape


def rendered(text: str) -> Json:
    return {"type": "rendered", "raw": text, "markup": "markdown", "html": f"<p>{text.strip()}</p>"}
