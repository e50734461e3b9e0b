"""A deployment installs the nginx file of its release: tried first, moved in whole, taken back with the release."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from tests.deploy.conftest import Project
from tests.deploy.test_samples import passed

pytestmark = pytest.mark.deploy


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_file_of_a_release_is_installed_told_and_taken_back(deliver: Callable[..., Project]) -> None:
    project = deliver("static")
    server, repository = project.server, project.repository
    there = server.root / "sites" / f"{server.host}.conf"
    by_hand = there.read_text().replace("client_max_body_size 20m", "client_max_body_size 5m")
    there.write_text(by_hand)
    server.let_deployments_install_the_site(dict(project.generated.files))
    pipelines = repository.directory / "bitbucket-pipelines.yml"
    pipelines.write_text(server.moved_text(project.generated.pipelines_yml))
    repository.commit("Move to this server")
    first = server.moved_text(project.generated.nginx_config)

    results = repository.push()

    passed(results)
    assert there.read_text() == first
    assert f"nginx {server.host} sha256 {digest_of(first)} installed" in results[-1].log

    second = first.replace("client_max_body_size 20m", "client_max_body_size 30m")
    project.edit("bitbucket-pipelines.yml", "client_max_body_size 20m", "client_max_body_size 30m")
    passed(repository.push())
    assert there.read_text() == second

    for wrong, words in (
        ("client_max_body_size much", "nginx does not take it"),
        ("access_log /etc/cron.d/never", "deployments may not set"),
        ("root /etc", "not its own"),
        ('deny \\"; user root; deny \\"', "not one directive"),
    ):
        project.edit("bitbucket-pipelines.yml", "client_max_body_size 30m", wrong)
        results = repository.push()
        assert results[-1].status == 1, wrong
        assert words in results[-1].log
        assert there.read_text() == second
        assert server.live_release() == "2"
        project.edit("bitbucket-pipelines.yml", wrong, "client_max_body_size 30m")

    results = repository.rollback()
    passed(results)
    assert there.read_text() == first
    assert server.get("/release.txt") == (200, "1\n")

    there.write_text(first.replace("20m", "7m"))
    results = repository.push()
    passed(results)
    assert "7m" in there.read_text()
    assert f"sha256 {digest_of(there.read_text())} edited" in results[-1].log
