"""Repositories, what Penstock may do to them, who may see them, and where their webhooks arrive."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, LargeBinary, String, Table, Text, UniqueConstraint, text

from service.store.tables.columns import Id, UtcDateTime, metadata, own_id, to

# What Penstock may do at Bitbucket. `broken` says why it last did not work, until it works again.
credentials = Table(
    "credentials",
    metadata,
    own_id(),
    to("users", "user_id", index=True),
    Column("name", String(100), nullable=False),
    Column("kind", String(20), nullable=False),  # access_token, api_token, oauth_client
    Column("account", String(255)),  # the e-mail of an api_token, the client_id of an oauth_client
    Column("place", String(32), nullable=False),  # random: what the secret is bound to
    Column("secret", LargeBinary, nullable=False),  # sealed by the vault
    Column("created_at", UtcDateTime, nullable=False),
    Column("broken", Text),
    Column("broken_at", UtcDateTime),
    # The bucket of calls that all processes share: what is left, and when that was true.
    Column("calls_left", Float, nullable=False),
    Column("counted_at", UtcDateTime, nullable=False),
    Column("blocked_until", UtcDateTime),  # after a 429
    # How many were made of late, at `counted_at`: each counts for less as its hour goes by.
    Column("recent_calls", Float, nullable=False, server_default="0"),
    sqlite_autoincrement=True,  # its ids stand in the audit log
)

repositories = Table(
    "repositories",
    metadata,
    own_id(),
    Column("uuid", String(64)),  # in braces; None until the first delivery, or Bitbucket, teaches it
    Column("workspace", String(255), nullable=False),
    Column("slug", String(255), nullable=False),
    to("credentials", "credential_id", nullable=True),
    Column("main_branch", String(255)),
    Column("hook_uuid", String(64)),  # Bitbucket's name for our webhook, where we made it
    Column("reconciled_at", UtcDateTime),
    Column("surveyed_at", UtcDateTime),  # when its branches and deployments were last looked at
    Column("connected_at", UtcDateTime, nullable=False),
    Column("disconnected_at", UtcDateTime),
    Index(
        "uq_repositories_connected_uuid",
        "uuid",
        unique=True,
        sqlite_where=text("disconnected_at IS NULL"),
        postgresql_where=text("disconnected_at IS NULL"),
    ),
    Index(
        "uq_repositories_connected_name",
        "workspace",
        "slug",
        unique=True,
        sqlite_where=text("disconnected_at IS NULL"),
        postgresql_where=text("disconnected_at IS NULL"),
    ),
)

grants = Table(
    "grants",
    metadata,
    own_id(),
    to("repositories", "repository_id"),
    to("users", "user_id", index=True),
    Column("role", String(20), nullable=False),  # owner, operator, viewer
    UniqueConstraint("repository_id", "user_id"),
)

hooks = Table(
    "hooks",
    metadata,
    Column("id", String(64), primary_key=True),  # random: the last part of the webhook's URL
    to("repositories", "repository_id", index=True),
    Column("secret", LargeBinary, nullable=False),  # sealed by the vault
    Column("previous_secret", LargeBinary),  # after a rotation, until previous_until
    Column("previous_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
)

# Where the branches are, as far as is known. A head that Bitbucket has and no push has told of is `doubted` first:
# its delivery may be on its way. Of a branch that is only doubted so far the `commit` is empty.
heads = Table(
    "heads",
    metadata,
    own_id(),
    to("repositories", "repository_id"),
    Column("branch", String(255), nullable=False),
    Column("commit", String(40), nullable=False),
    Column("told_by", String(20), nullable=False),  # push, survey, or first: it was there before we looked
    Column("at", UtcDateTime, nullable=False),
    Column("doubted", String(40)),
    Column("doubted_at", UtcDateTime),
    Column("silence", Text),  # why no push has told of a head that a survey has found
    Column("verdict", String(20)),  # and what became of it, as of one that was delivered
    Column("reason", Text),
    Column("execution_id", Id),
    UniqueConstraint("repository_id", "branch"),
)
