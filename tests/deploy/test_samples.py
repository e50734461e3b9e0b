"""Each sample's generated steps run; its site answers through the generated nginx."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from service.configs import EnvironmentRequest
from tests.deploy.bitbucket import StepResult
from tests.deploy.conftest import Project
from tests.deploy.probe import Probe
from tests.deploy.server import answers_of

pytestmark = pytest.mark.deploy


def passed(results: list[StepResult]) -> None:
    """Assert that every step ended well; show the log of the one that did not."""
    assert results[-1].status == 0, f"{results[-1].name}\n{results[-1].log}"


@pytest.mark.parametrize("sample", ["react", "vue", "angular"])
def test_a_single_page_application_is_served_with_its_routes_and_assets(
    sample: str, deliver: Callable[..., Project]
) -> None:
    project = deliver(sample)

    passed(project.repository.push())

    server = project.server
    page = server.get("/")[1]
    asset = re.search(r'src="/?([^"]+\.js)"', page)
    assert server.get("/release.txt") == (200, "1\n")
    assert server.get("/users/42")[1] == page
    assert asset is not None
    assert server.get(f"/{asset[1]}")[0] == 200
    assert server.get("/assets/gone-12345678.js")[0] == 404
    assert server.get("/.complete")[0] == 403


def test_a_page_opened_before_a_deployment_finds_its_files_afterwards(deliver: Callable[..., Project]) -> None:
    project = deliver("react")
    passed(project.repository.push())
    old = re.search(r'src="/([^"]+\.js)"', project.server.get("/")[1])
    project.edit("src/main.jsx", "'two'", "'two', 'three'")

    passed(project.repository.push())

    assert old is not None
    assert old[1] not in project.server.get("/")[1]
    assert project.server.get(f"/{old[1]}")[0] == 200


def test_a_build_without_readable_files_is_refused_while_the_site_answers(deliver: Callable[..., Project]) -> None:
    project = deliver("react")
    passed(project.repository.push())
    project.edit("package.json", "vite build", "vite build && chmod 600 dist/index.html")

    with Probe(project.server, "/") as probe:
        results = project.repository.push()

    assert results[-1].name == "Deploy to production"
    assert results[-1].status == 1
    assert set(probe.seen) == {200}
    assert project.server.live_release() == "1"
    assert project.server.is_bad(2)


# sample → (path that answers with the release, file, text in it, what breaks the release when it starts)
NODE_BREAKS = "if (process.env.RELEASE) process.exit(3);"
PYTHON_BREAKS = "if os.environ.get('RELEASE'): raise OSError"
SERVERS = {
    "node": ("/", "server.js", "const server", f"{NODE_BREAKS}\nconst server"),
    "express": ("/", "server.js", "'use strict';", f"'use strict';\n{NODE_BREAKS}"),
    "nextjs": ("/health", "app/health/route.js", "export function", f"{NODE_BREAKS}\nexport function"),
    "flask": ("/health", "app.py", "app = Flask(__name__)", f"app = Flask(__name__)\n{PYTHON_BREAKS}"),
    "fastapi": ("/health", "app/main.py", "app = FastAPI()", f"app = FastAPI()\n{PYTHON_BREAKS}"),
    "django": ("/", "shop/wsgi.py", "import os\n", f"import os\n{PYTHON_BREAKS}\n"),
    "fullstack": ("/api/health", "backend/main.py", "app = FastAPI()", f"app = FastAPI()\n{PYTHON_BREAKS}"),
}


@pytest.mark.parametrize("sample", SERVERS)
def test_a_server_is_deployed_defended_and_rolled_back(sample: str, deliver: Callable[..., Project]) -> None:
    path, file, good, broken = SERVERS[sample]
    production = EnvironmentRequest(health_path=path)
    project = deliver(sample, env=(("GREETING", "x"),), secrets=("SECRET_KEY",), environments=(production,))
    greeting = 'it\'s $HOME "quoted" `here` \\ done'
    project.repository.deployment_variables |= {"GREETING": greeting, "SECRET_KEY": "a-very-secret-value"}
    project.repository.secrets += ("a-very-secret-value",)
    server = project.server
    database = server.root / "database.sqlite3"
    (server.deploy_path / "shared").mkdir()
    (server.deploy_path / "shared" / ".env").write_text(f"DATABASE_FILE={database}\n")

    passed(project.repository.push())

    answer = answers_of(server.get(path)[1])
    assert answer["release"] == "1"
    assert answer.get("greeting", greeting) == greeting

    (project.repository.directory / "NOTES").write_text("second\n")
    project.repository.commit("Second version")
    with Probe(server, path) as probe:
        passed(project.repository.push())
    assert set(probe.seen) == {200}
    assert answers_of(server.get(path)[1])["release"] == "2"

    project.edit(file, good, broken)
    with Probe(server, path) as probe:
        results = project.repository.push()
    assert (results[-1].name, results[-1].status) == ("Deploy to production", 1)
    assert set(probe.seen) == {200}
    assert server.live_release() == "2"

    with Probe(server, path) as probe:
        passed(project.repository.rollback())
    assert set(probe.seen) == {200}
    assert answers_of(server.get(path)[1])["release"] == "1"
    assert server.is_bad(2)


# Rendered on the server: what the application says, asked where the release says that it is.
PAGE = """\
export const dynamic = 'force-dynamic';

export default async function Page() {
  const answer = await fetch(`${process.env.BACKEND_URL}/api/health`, { cache: 'no-store' });
  if (!answer.ok) throw new Error(`the application answers ${answer.status}`);
  const told = await answer.json();
  return <h1>{`Pages of ${process.env.RELEASE}, application of ${told.release}`}</h1>;
}
"""
EXPRESS_HEALTH = """\
app.get('/api/health', (request, response) => {
  response.json({ release: process.env.RELEASE });
});

module.exports = { app };"""


@pytest.mark.parametrize("backend", ["fullstack/backend", pytest.param("express", marks=pytest.mark.endurance)])
def test_pages_and_their_application_go_live_and_come_back_together(
    backend: str, deliver: Callable[..., Project]
) -> None:
    production = EnvironmentRequest(health_path="/api/health")
    project = deliver({"frontend": "nextjs", "backend": backend}, environments=(production,))
    repository, server = project.repository, project.server
    if backend == "express":
        project.edit("backend/app.js", "module.exports = { app };", EXPRESS_HEALTH)
    (repository.directory / "frontend" / "app" / "page.js").write_text(PAGE)
    repository.commit("Ask the application")

    passed(repository.push())

    assert answers_of(server.get("/api/health")[1]) == {"release": "1"}
    page = server.get("/")[1]
    assert "Pages of 1, application of 1" in page
    script = re.search(r'src="(/_next/static/[^"]+\.js)"', page)
    assert script is not None
    assert server.get(script[1])[0] == 200

    (repository.directory / "NOTES").write_text("second\n")
    repository.commit("Second version")
    with Probe(server, "/") as pages, Probe(server, "/api/health") as application:
        passed(repository.push())
    assert set(pages.seen) | set(application.seen) == {200}
    assert "Pages of 2, application of 2" in server.get("/")[1]

    project.edit("frontend/app/page.js", "if (!answer.ok)", "if (process.env.RELEASE === '3')")
    with Probe(server, "/") as pages, Probe(server, "/api/health") as application:
        results = repository.push()
    assert (results[-1].name, results[-1].status) == ("Deploy to production", 1)
    assert "the pages of release 3 did not answer in time" in results[-1].log
    assert set(pages.seen) | set(application.seen) == {200}
    assert server.live_release() == "2"
    assert server.is_bad(3)

    with Probe(server, "/") as pages, Probe(server, "/api/health") as application:
        passed(repository.rollback())
    assert set(pages.seen) | set(application.seen) == {200}
    assert "Pages of 1, application of 1" in server.get("/")[1]
