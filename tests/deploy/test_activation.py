"""The activation block, and the way to it: what it refuses, what it keeps, what it brings back."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest

from service import render
from service.cli.detect import detect_directory
from service.configs import EnvironmentRequest, Request, rollback_pipeline
from tests.deploy.conftest import Project
from tests.deploy.probe import Probe
from tests.deploy.server import answers_of
from tests.deploy.test_samples import passed

pytestmark = pytest.mark.deploy

Deliver = Callable[..., Project]

OTHER_KEY = "[127.0.0.1]:{port} ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5AAAAIGJhZGJhZGJhZGJhZGJhZGJhZGJhZGJhZGJhZGJhZGJh"
BROKEN_KEY = "-----BEGIN OPENSSH PRIVATE KEY----- AAAA BBBB -----END OPENSSH PRIVATE KEY-----"
NODE_BREAKS = "if (process.env.PORT === '{port}') throw new Error();"
PYTHON_BREAKS = "if os.environ.get('PORT') == '{port}': raise OSError"


def releases(project: Project, count: int) -> None:
    """Deploy the project a number of times."""
    for number in range(count):
        (project.repository.directory / "NOTES").write_text(f"{number}\n")
        project.repository.commit("Another version")
        passed(project.repository.push())


def test_21_a_build_that_fails_never_reaches_the_server(deliver: Deliver) -> None:
    project = deliver("static")
    (project.repository.directory / "index.html").rename(project.repository.directory / "other.html")
    project.repository.commit("Lose the start page")

    results = project.repository.push()

    assert [result.name for result in results] == ["Build"]
    assert not (project.server.deploy_path / "releases").exists()


def test_22_a_rollback_takes_previous_or_a_number_and_nothing_else(deliver: Deliver) -> None:
    project = deliver("static")
    releases(project, 3)
    server = project.server

    for wrong in ("99", "0", "-1", "1; touch /tmp/never", "$(touch /tmp/never)", "../1", "'"):
        results = project.repository.rollback(wrong)
        assert results[-1].status == 66, wrong
        assert server.live_release() == "3"
    passed(project.repository.rollback("1"))
    assert server.get("/release.txt") == (200, "1\n")


def test_22_previous_never_lands_on_a_release_that_was_left_as_bad(deliver: Deliver) -> None:
    project = deliver("static")
    releases(project, 3)
    passed(project.repository.rollback())
    assert project.server.live_release() == "2"
    assert project.server.is_bad(3)
    releases(project, 1)

    passed(project.repository.rollback())

    assert project.server.live_release() == "2"


def test_22_a_release_that_was_left_as_bad_is_refused_by_number_until_it_is_deployed_again(deliver: Deliver) -> None:
    project = deliver("static")
    releases(project, 2)
    passed(project.repository.rollback())

    results = project.repository.rollback("2")

    assert results[-1].status == 66
    assert "run its own deployment again" in results[-1].log
    assert project.server.live_release() == "1"
    passed(project.repository.redeploy(2))
    assert project.server.live_release() == "2"
    assert not project.server.is_bad(2)


def test_22_an_older_commit_is_built_anew_where_its_file_has_no_rollback(deliver: Deliver) -> None:
    project = deliver("static")
    repository, server = project.repository, project.server
    page = repository.directory / "index.html"
    good = page.read_text()
    yaml = (repository.directory / "bitbucket-pipelines.yml").read_text()
    (repository.directory / "bitbucket-pipelines.yml").unlink()
    repository.commit("Before there was a file")
    commit = repository.head()
    (repository.directory / "bitbucket-pipelines.yml").write_text(yaml)
    page.write_text(good.replace("</title>", ", broken</title>"))
    releases(project, 2)
    # What the service starts carries a variable by which it knows its run again.
    chosen = {"PENSTOCK_EXECUTION_ID": "7"}
    request = Request(domain=server.host, server="127.0.0.1", port=project.port)
    made = rollback_pipeline(
        detect_directory(repository.directory), request, render.environment(), environment="production"
    )

    results = repository.on_demand(made.yaml, made.custom, commit=commit, chosen=chosen)

    passed(results)
    assert [result.name for result in results] == ["Build", "Roll back production"]
    assert server.live_release() == "3"
    assert server.get("/")[1] == good
    assert server.is_bad(2)


def test_22_a_first_deployment_that_fails_leaves_no_live_release(deliver: Deliver) -> None:
    project = deliver("express", environments=(EnvironmentRequest(health_path="/"),))
    project.edit("server.js", "'use strict';", "throw new Error('broken');")

    results = project.repository.push()

    assert results[-1].status == 1
    assert "broken" in results[-1].log
    assert project.server.live_release() is None


def test_23_deploying_a_number_again_works_and_uploads_nothing(deliver: Deliver) -> None:
    project = deliver("static")
    releases(project, 1)
    page = project.server.deploy_path / "releases" / "1" / "index.html"
    before = page.stat().st_ino

    passed(project.repository.redeploy(1))

    assert page.stat().st_ino == before
    assert project.server.live_release() == "1"


def test_23_old_releases_go_but_never_the_live_one_or_the_one_before(deliver: Deliver) -> None:
    project = deliver("static", keep_releases=3)
    releases(project, 4)
    assert project.server.releases() == [2, 3, 4]

    passed(project.repository.rollback("2"))
    releases(project, 1)

    # 4 was left for 2, so it is bad and goes first; 3 is good and there is room for it.
    assert project.server.live_release() == "6"
    assert project.server.releases() == [2, 3, 6]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SSH_KNOWN_HOSTS", OTHER_KEY, "key"),
        ("SSH_PRIVATE_KEY", BROKEN_KEY, "base64 -w0"),
        ("SSH_PRIVATE_KEY", "", "set it in Bitbucket"),
        ("SSH_KNOWN_HOSTS", "", "set it in Bitbucket"),
        ("SSH_PORT", "1", "refused"),
    ],
)
def test_24_what_keeps_ssh_from_the_server_is_said_and_changes_nothing(
    variable: str, value: str, words: str, deliver: Deliver
) -> None:
    project = deliver("static")
    project.repository.deployment_variables[variable] = value.format(port=project.server.ssh_port)

    results = project.repository.push()

    assert results[-1].name == "Deploy to production"
    assert results[-1].status != 0
    assert words in results[-1].log
    assert not (project.server.deploy_path / "releases").exists()


def test_24_a_key_is_taken_raw_or_as_base64(deliver: Deliver) -> None:
    import base64

    project = deliver("static")
    key = project.repository.deployment_variables["SSH_PRIVATE_KEY"]
    project.repository.deployment_variables["SSH_PRIVATE_KEY"] = base64.b64encode(key.encode()).decode()

    passed(project.repository.push())


def test_25_variables_written_by_hand_stay_and_those_of_the_pipeline_are_private(deliver: Deliver) -> None:
    project = deliver("express", secrets=("API_KEY",), environments=(EnvironmentRequest(health_path="/"),))
    shared = project.server.deploy_path / "shared"
    shared.mkdir()
    (shared / ".env").write_text("GREETING=by hand\n")
    project.repository.deployment_variables["API_KEY"] = "a-very-secret-value"
    project.repository.secrets += ("a-very-secret-value",)

    passed(project.repository.push())

    assert answers_of(project.server.get("/")[1])["greeting"] == "by hand"
    assert (shared / ".env").read_text() == "GREETING=by hand\n"
    assert (shared / ".env.pipeline").stat().st_mode & 0o777 == 0o600


def test_25_variables_that_the_pipeline_no_longer_sends_are_taken_away(deliver: Deliver) -> None:
    project = deliver("static")
    sent_before = project.server.deploy_path / "shared" / ".env.pipeline"
    sent_before.parent.mkdir()
    sent_before.write_text('API_KEY="x"\n')

    passed(project.repository.push())

    assert not sent_before.exists()


def test_25_a_variable_that_is_not_set_stops_the_deployment_by_name(deliver: Deliver) -> None:
    project = deliver("express", secrets=("API_KEY",))

    results = project.repository.push()

    assert results[-1].status != 0
    assert "API_KEY is not set" in results[-1].log


@pytest.mark.parametrize(
    ("sample", "file", "old", "new"),
    [
        ("express", "server.js", "'use strict';", f"'use strict';\n{NODE_BREAKS}"),
        ("flask", "app.py", "app = Flask(__name__)", f"app = Flask(__name__)\n{PYTHON_BREAKS}"),
    ],
)
def test_21_a_release_that_fails_only_as_the_service_gives_way_to_the_one_before(
    sample: str, file: str, old: str, new: str, deliver: Deliver
) -> None:
    project = deliver(sample, environments=(EnvironmentRequest(health_path="/"),))
    releases(project, 1)
    project.edit(file, old, new.replace("{port}", str(project.port)))

    with Probe(project.server, "/") as probe:
        results = project.repository.push()

    assert results[-1].status == 1
    assert "1 is live again" in results[-1].log
    assert answers_of(project.server.get("/")[1])["release"] == "1"
    failed = sum(count for status, count in probe.seen.items() if status != 200)
    assert failed / 20 <= 10, probe.seen


def test_26_events_pass_when_they_are_sent_and_an_upgrade_passes(deliver: Deliver) -> None:
    project = deliver("express", environments=(EnvironmentRequest(health_path="/"),))
    releases(project, 1)

    first = _raw(
        project, "GET /events HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n", until=b"data: 1\n\n"
    )

    assert b"data: 3" not in first


def test_26_a_websocket_is_upgraded(deliver: Deliver) -> None:
    project = deliver("node", environments=(EnvironmentRequest(health_path="/"),))
    releases(project, 1)

    answer = _raw(
        project,
        "GET /ws HTTP/1.1\r\nHost: app.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        until=b"\r\n\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 101")


def test_23_two_deployments_at_once_come_one_after_the_other(deliver: Deliver) -> None:
    project = deliver("static")
    releases(project, 1)
    lock = subprocess.Popen(["flock", str(project.server.deploy_path / ".deploy.lock"), "sleep", "3"])
    finished: list[Any] = []
    waiting = threading.Thread(target=lambda: finished.extend(project.repository.push()))

    waiting.start()
    lock.wait()
    waiting.join()

    assert finished[-1].status == 0
    assert project.server.live_release() == "2"


def _raw(project: Project, request: str, *, until: bytes) -> bytes:
    context = ssl.create_default_context(cafile=str(project.server.root / "certificate.pem"))
    with (
        socket.create_connection(("127.0.0.1", project.server.https_port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=project.server.host) as secured,
    ):
        secured.sendall(request.encode())
        answer = b""
        while until not in answer:
            more = secured.recv(4096)
            assert more, answer
            answer += more
        return answer
