"""What of one installation goes into another: repositories, their members and settings; no secret and no history."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.recorder import Record
from service.store import accounts, domains, environments, members, pipelines, repositories, revisions, variables
from service.store.accounts import Viewer
from service.store.pipelines import Environment, Listed
from service.store.variables import Variable
from service.variables import opened
from service.variables import sealed as variable_sealed
from service.vault import Vault

VERSION = 1

# Somebody who may see everything: the export is made at the server's console.
EVERYTHING = Viewer(0, "console", is_admin=True)

STRIDE = 100

SETTINGS = (
    "project_type",
    "server_ip",
    "subdomain",
    "domain",
    "port",
    "ssl_enabled",
    "nginx_config",
    "certbot_command",
    "bitbucket_pipelines_yml",
    "detection",
    "config_delivery",
    "config_skip_ci",
)
OF_AN_ENVIRONMENT = tuple(name for name in Environment.__dataclass_fields__ if name not in ("id", "pipeline_id"))


class Pair(msgspec.Struct, forbid_unknown_fields=True):
    """A variable. The value of a secured one stays where it is."""

    key: str
    secured: bool
    value: str | None = None


class Place(msgspec.Struct, forbid_unknown_fields=True):
    """An environment: its columns, and variables of its own."""

    settings: dict[str, Any]
    environment_variables: list[Pair] = []


class Moved(msgspec.Struct, forbid_unknown_fields=True):
    """A repository with its active pipeline. `files` are the last revision's, None where nothing was generated."""

    workspace: str
    slug: str
    uuid: str | None
    main_branch: str | None
    members: dict[str, str]
    settings: dict[str, Any]
    environments: list[Place]
    environment_variables: list[Pair]
    files: dict[str, str] | None = None
    decisions: list[dict[str, Any]] = []


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """A registered domain."""

    name: str
    owner: str
    email: str | None = None
    dns_provider: str | None = None


class Export(msgspec.Struct, forbid_unknown_fields=True):
    """A whole file."""

    penstock_export: int
    repositories: list[Moved]
    domains: list[Named]


@dataclass(slots=True)
class Planted:
    """What became of an import: (repository, hook id, secret), what was there already, what has to be set again."""

    connected: list[tuple[str, str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unset: list[str] = field(default_factory=list)


async def gathered(connection: Any, vault: Vault) -> Export:
    names = {account.id: account.name for account in await accounts.list_users(connection)}
    moved: list[Moved] = []
    after = 0
    while found := await pipelines.page(connection, EVERYTHING, after=after, limit=STRIDE):
        moved += [await _moved(connection, vault, one) for one in found if one.pipeline.is_active]
        after = found[-1].pipeline.id
    known: list[Named] = []
    after = 0
    while page := await domains.page(connection, EVERYTHING, after=after, limit=STRIDE):
        known += [Named(one.name, names[one.user_id], one.email, one.dns_provider) for one in page]
        after = page[-1].id
    return Export(VERSION, moved, known)


async def _moved(connection: Any, vault: Vault, one: Listed) -> Moved:
    pipeline = one.pipeline
    known = await variables.of_pipeline(connection, pipeline.id)
    repository = await repositories.by_id(connection, pipeline.repository_id)
    revision = await revisions.latest(connection, pipeline.id)
    places = [
        Place({name: getattr(place, name) for name in OF_AN_ENVIRONMENT}, _pairs(vault, known, place.id))
        for place in await pipelines.environments_of(connection, pipeline.id)
    ]
    people = await members.of_repository(connection, pipeline.repository_id, after=0, limit=10_000)
    return Moved(
        workspace=one.workspace,
        slug=one.slug,
        uuid=one.repository_uuid,
        main_branch=repository.main_branch if repository else None,
        members={person.username: person.role for person in people},
        settings={name: getattr(pipeline, name) for name in SETTINGS},
        environments=places,
        environment_variables=_pairs(vault, known, None),
        files=revision[0].files if revision else None,
        decisions=revision[0].decisions if revision else [],
    )


def _pairs(vault: Vault, known: list[Variable], environment_id: int | None) -> list[Pair]:
    mine = [one for one in known if one.environment_id == environment_id]
    return [Pair(one.key, one.secured, None if one.secured else opened(vault, one)) for one in mine]


async def plant(record: Record, vault: Vault, export: Export) -> Planted:
    """Everything of the export that is not here yet; members and owners by the names of accounts that are."""
    planted = Planted()
    people = {account.name: account.id for account in await accounts.list_users(record.connection)}
    for one in export.repositories:
        await _plant_repository(record, vault, one, people, planted)
    for domain in export.domains:
        await _plant_domain(record, domain, people, planted)
    record.rights_changed()
    return planted


async def _plant_repository(
    record: Record, vault: Vault, one: Moved, people: Mapping[str, int], planted: Planted
) -> None:
    connection, now = record.connection, record.now
    try:
        repository = await repositories.connect(
            connection, workspace=one.workspace, slug=one.slug, uuid=one.uuid, now=now
        )
    except repositories.AlreadyConnected as error:
        planted.skipped.append(str(error))
        return
    hook_id, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
    sealed = vault.seal(secret.encode(), table="hooks", column="secret", row=hook_id)
    await repositories.add_hook(connection, hook_id, repository.id, sealed, now)
    planted.connected.append((repository.full_name, hook_id, secret))
    if one.main_branch:
        await repositories.note_main_branch(connection, repository.id, one.main_branch)
    for name, role in one.members.items():
        if name in people:
            await members.set_role(connection, repository.id, people[name], role)
        else:
            planted.skipped.append(f"{name} has no account here, and no role on {repository.full_name}")
    await _plant_pipeline(record, vault, one, repository.id, planted)


async def _plant_pipeline(record: Record, vault: Vault, one: Moved, repository_id: int, planted: Planted) -> None:
    connection, now = record.connection, record.now
    pipeline_id = await pipelines.adopt(connection, repository_id, branch_pattern="main", now=now)
    generated = {"generated_at": now} if one.files is not None else {}
    await pipelines.change(connection, pipeline_id, version=1, now=now, **one.settings, **generated)
    for adopted in await pipelines.environments_of(connection, pipeline_id):
        await environments.remove(connection, adopted.id)
    where = f"{one.workspace}/{one.slug}"
    await variables.replace(connection, pipeline_id, None, _sealed(vault, one.environment_variables, where, planted))
    for place in one.environments:
        made = await environments.add(connection, pipeline_id, **place.settings)
        own = _sealed(vault, place.environment_variables, f"{where} {made.name}", planted)
        await variables.replace(connection, pipeline_id, made.id, own)
    if one.files is not None:
        nothing: dict[str, Any] = {"commit": None, "diff": "", "delivery": "manual", "delivered": "none"}
        detection = one.settings.get("detection")
        made_of = {"files": one.files, "decisions": one.decisions, "detection": detection, "created_at": now}
        await revisions.add(connection, pipeline_id, **made_of, **nothing)
    told = {"pipeline_id": pipeline_id, "repository_id": repository_id, "repository": where}
    record.log("pipeline.created", told, repository_id=repository_id, pipeline_id=pipeline_id)


async def _plant_domain(record: Record, one: Named, people: Mapping[str, int], planted: Planted) -> None:
    if one.owner not in people:
        planted.skipped.append(f"{one.owner} has no account here, so {one.name} is not registered")
        return
    row = {"name": one.name, "email": one.email, "dns_provider": one.dns_provider}
    try:
        await domains.add(record.connection, **row, user_id=people[one.owner], created_at=record.now)
    except domains.DomainTaken as error:
        planted.skipped.append(str(error))


def _sealed(vault: Vault, pairs: list[Pair], where: str, planted: Planted) -> list[Variable]:
    """The variables that have a value; a secured one is set again by a person."""
    made = []
    for one in pairs:
        if one.value is None:
            planted.unset.append(f"{where}: {one.key}")
            continue
        made.append(variable_sealed(vault, one.key, one.value, secured=one.secured))
    return made
