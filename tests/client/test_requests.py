"""Requests as values: where they go, before anybody sends them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.bitbucket import requests

UUID = "{11111111-1111-1111-1111-111111111111}"
ENCODED = "%7B11111111-1111-1111-1111-111111111111%7D"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("acme/shop", "/repositories/acme/shop"),
        (f"acme/{UUID}", f"/repositories/acme/{ENCODED}"),
        (f"{UUID}/{UUID}", f"/repositories/{ENCODED}/{ENCODED}"),
        (UUID, f"/repositories/%7B%7D/{ENCODED}"),
        ("acme/a?b#c", "/repositories/acme/a%3Fb%23c"),
    ],
)
def test_a_repository_is_named_by_slugs_or_by_uuids(name: str, path: str) -> None:
    assert requests.repository(name).path == path


@pytest.mark.parametrize("name", ["", "acme/", "/shop", "acme/shop/hooks", "acme/..", "../.."])
def test_a_name_that_would_lead_elsewhere_is_no_repository(name: str) -> None:
    with pytest.raises(ValueError, match="named by workspace/slug"):
        requests.repository(name)


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (requests.run("acme/shop", UUID), f"/pipelines/{ENCODED}"),
        (requests.run("acme/shop", "../hooks"), "/pipelines/..%2Fhooks"),
        (requests.variables("acme/shop", UUID), f"/deployments_config/environments/{ENCODED}/variables"),
        (requests.branch("acme/shop", "a/b c"), "/refs/branches/a/b%20c"),
        (requests.source("acme/shop", "c" * 40, "/a b/ü"), f"/src/{'c' * 40}/a%20b/%C3%BC"),
        (requests.list_source("acme/shop", "c" * 40, max_depth=2), f"/src/{'c' * 40}/"),
        (requests.diffstat("acme/shop", "a" * 40, "b" * 40), f"/diffstat/{'a' * 40}..{'b' * 40}"),
    ],
)
def test_every_part_of_a_path_stays_one_part(request_: requests.Request[object], path: str) -> None:
    assert request_.path == f"/repositories/acme/shop{path}"


@pytest.mark.parametrize(
    "make",
    [
        lambda: requests.run("acme/shop", ".."),
        lambda: requests.delete_hook("acme/shop", ""),
        lambda: requests.branch("acme/shop", "a/../../../hooks"),
        lambda: requests.source("acme/shop", "c" * 40, "../../hooks"),
        lambda: requests.source("acme/shop", "c" * 40, "a//b"),
        lambda: requests.list_source("acme/shop", "..", max_depth=1),
        lambda: requests.diffstat("acme/shop", "", ""),
    ],
)
def test_a_part_that_would_lead_elsewhere_is_not_sent(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="cannot be a part of a path"):
        make()


def test_what_may_be_sent_twice_is_marked_so() -> None:
    once = {
        requests.start_run("a/b", branch="main", commit=None, custom=None, variables=()).repeatable,
        requests.create_hook("a/b", url="", events=(), secret="", description="").repeatable,
        requests.create_branch("a/b", "x", "c" * 40).repeatable,
        requests.write_source("a/b", {}, message="", branch="", parent="").repeatable,
    }
    again = {
        requests.stop_run("a/b", UUID).repeatable,
        requests.delete_hook("a/b", UUID).repeatable,
        requests.enable_pipelines("a/b").repeatable,
        requests.runs("a/b", sort="").repeatable,
    }

    assert (once, again) == ({False}, {True})
