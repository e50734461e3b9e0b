"""The table of routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.simulator.rest import (
    commits,
    environments,
    hooks,
    logs,
    oauth,
    people,
    pipelines,
    pullrequests,
    refs,
    repositories,
    source,
    variables,
)
from service.simulator.rest.answers import not_found
from service.simulator.rest.door import Door, Handler
from service.simulator.rest.mischief import BASE, Mischief

if TYPE_CHECKING:
    from service.simulator.simulator import Simulator

REPOSITORY = BASE + "/repositories/{workspace}/{repo_slug}"
RUN = "/pipelines/{pipeline}"
STEP = RUN + "/steps/{step}"
VARIABLES = "/pipelines_config/variables"
ENVIRONMENT_VARIABLES = "/deployments_config/environments/{environment}/variables"
STATUS = "/commit/{commit}/statuses/build"
PULL_REQUEST = "/pullrequests/{number:int}"

TABLE: tuple[tuple[str, str, Handler, str], ...] = (
    ("GET", "", repositories.get_repository, "repository"),
    ("GET", "/pipelines_config", repositories.get_config, "repository:admin"),
    ("PUT", "/pipelines_config", repositories.put_config, "repository:admin"),
    ("PUT", "/pipelines_config/build_number", repositories.put_build_number, "pipeline:variable"),
    ("GET", "/pipelines", pipelines.list_runs, "pipeline"),
    ("POST", "/pipelines", pipelines.start_run, "pipeline:write"),
    ("GET", RUN, pipelines.get_run, "pipeline"),
    ("POST", RUN + "/stopPipeline", pipelines.stop_run, "pipeline:write"),
    ("GET", RUN + "/steps", pipelines.list_steps, "pipeline"),
    ("GET", STEP, pipelines.get_step, "pipeline"),
    ("GET", STEP + "/log", logs.get_log, "pipeline"),
    ("GET", VARIABLES, variables.list_variables, "pipeline"),
    ("POST", VARIABLES, variables.create_variable, "pipeline:variable"),
    ("GET", VARIABLES + "/{variable}", variables.get_variable, "pipeline"),
    ("PUT", VARIABLES + "/{variable}", variables.update_variable, "pipeline:variable"),
    ("DELETE", VARIABLES + "/{variable}", variables.delete_variable, "pipeline:variable"),
    ("GET", ENVIRONMENT_VARIABLES, variables.list_variables, "pipeline"),
    ("POST", ENVIRONMENT_VARIABLES, variables.create_variable, "pipeline:variable"),
    ("PUT", ENVIRONMENT_VARIABLES + "/{variable}", variables.update_variable, "pipeline:variable"),
    ("DELETE", ENVIRONMENT_VARIABLES + "/{variable}", variables.delete_variable, "pipeline:variable"),
    ("GET", "/environments", environments.list_environments, "pipeline"),
    ("POST", "/environments", environments.create_environment, "pipeline:write"),
    ("GET", "/environments/{environment}", environments.get_environment, "pipeline"),
    ("DELETE", "/environments/{environment}", environments.delete_environment, "pipeline:write"),
    ("GET", "/deployments", environments.list_deployments, "pipeline"),
    ("GET", "/deployments/{deployment}", environments.get_deployment, "pipeline"),
    ("GET", "/hooks", hooks.list_hooks, "webhook"),
    ("POST", "/hooks", hooks.create_hook, "webhook"),
    ("GET", "/hooks/{hook}", hooks.get_hook, "webhook"),
    ("PUT", "/hooks/{hook}", hooks.update_hook, "webhook"),
    ("DELETE", "/hooks/{hook}", hooks.delete_hook, "webhook"),
    ("GET", "/src", source.read_root, "repository"),
    ("POST", "/src", source.write_source, "repository:write"),
    ("GET", "/src/{commit}", source.read_source, "repository"),
    ("GET", "/src/{commit}/{path:path}", source.read_source, "repository"),
    ("GET", "/refs/branches", refs.list_branches, "repository"),
    ("POST", "/refs/branches", refs.create_branch, "repository:write"),
    ("GET", "/refs/branches/{name:path}", refs.get_branch, "repository"),
    ("DELETE", "/refs/branches/{name:path}", refs.delete_branch, "repository:write"),
    ("GET", "/refs/tags", refs.list_tags, "repository"),
    ("GET", "/refs/tags/{name:path}", refs.get_tag, "repository"),
    ("GET", "/diffstat/{spec:path}", commits.diffstat, "repository"),
    ("GET", "/commits", commits.list_commits, "repository"),
    ("GET", "/commits/{revision:path}", commits.list_commits, "repository"),
    ("GET", "/commit/{commit}", commits.get_commit, "repository"),
    ("GET", "/commit/{commit}/statuses", commits.list_statuses, "repository"),
    ("POST", STATUS, commits.write_status, "repository"),
    ("GET", STATUS + "/{key}", commits.get_status, "repository"),
    ("PUT", STATUS + "/{key}", commits.write_status, "repository"),
    ("GET", "/pullrequests", pullrequests.list_pullrequests, "pullrequest"),
    ("POST", "/pullrequests", pullrequests.create_pullrequest, "pullrequest:write"),
    ("GET", PULL_REQUEST, pullrequests.get_pullrequest, "pullrequest"),
    ("PUT", PULL_REQUEST, pullrequests.update_pullrequest, "pullrequest:write"),
    ("POST", PULL_REQUEST + "/decline", pullrequests.decline_pullrequest, "pullrequest:write"),
    ("POST", PULL_REQUEST + "/merge", pullrequests.merge_pullrequest, "pullrequest:write"),
)
"""Method, path below the repository, who answers, the classic scope it takes."""


def build(bitbucket: Simulator) -> ASGIApp:
    door = Door(bitbucket)
    routes = [
        Route(REPOSITORY + path, door.guard(handler, scope), methods=[method]) for method, path, handler, scope in TABLE
    ]
    routes.append(Route("/site/oauth2/access_token", oauth.access_token, methods=["POST"]))
    routes.append(Route("/site/oauth2/authorize", people.authorize, methods=["GET"]))
    routes.append(Route(BASE + "/user", people.current_user, methods=["GET"]))
    routes.append(Route(BASE + "/user/workspaces/{workspace}/permission", people.permission, methods=["GET"]))
    app = Starlette(routes=routes, exception_handlers={404: _nothing_here})
    app.state.bitbucket = bitbucket
    return Mischief(_without_last_slash(app), bitbucket)


async def _nothing_here(request: Request, error: Exception) -> Response:
    return not_found("Resource not found", "There is no API hosted at this URL").response()


def _without_last_slash(app: ASGIApp) -> ASGIApp:
    """Both forms of a path are one: the real API takes either."""

    async def trimmed(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "path": scope["path"].rstrip("/")}, receive, send)

    return trimmed
