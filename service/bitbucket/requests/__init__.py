"""What is asked of Bitbucket's REST API: one function per question, each giving a value that somebody else sends.

A repository is named by `workspace/slug`, by uuids in either place, or by its own uuid alone. Paths lie below the base
URL and are encoded whole, the braces of uuids included: without them Bitbucket answers 404.

https://developer.atlassian.com/cloud/bitbucket/rest/ (OpenAPI document of 2026-08)
"""

from service.bitbucket.requests.access import access_token
from service.bitbucket.requests.assignment import Assignment
from service.bitbucket.requests.configuration import (
    create_environment,
    create_hook,
    create_variable,
    delete_hook,
    delete_variable,
    deployments,
    enable_pipelines,
    environments,
    hooks,
    pipelines_config,
    update_hook,
    update_variable,
    variables,
)
from service.bitbucket.requests.request import PAGELEN, Query, Request, path_of
from service.bitbucket.requests.runs import log, run, runs, start_on_demand, start_run, steps, stop_run
from service.bitbucket.requests.sources import (
    branch,
    branches,
    commits,
    create_branch,
    create_pull_request,
    decline,
    delete_branch,
    diffstat,
    list_source,
    pull_request,
    pull_requests,
    repository,
    set_status,
    source,
    update_pull_request,
    write_source,
)

__all__ = [
    "PAGELEN",
    "Assignment",
    "Query",
    "Request",
    "access_token",
    "branch",
    "branches",
    "commits",
    "create_branch",
    "create_environment",
    "create_hook",
    "create_pull_request",
    "create_variable",
    "decline",
    "delete_branch",
    "delete_hook",
    "delete_variable",
    "deployments",
    "diffstat",
    "enable_pipelines",
    "environments",
    "hooks",
    "list_source",
    "log",
    "path_of",
    "pipelines_config",
    "pull_request",
    "pull_requests",
    "repository",
    "run",
    "runs",
    "set_status",
    "source",
    "start_on_demand",
    "start_run",
    "steps",
    "stop_run",
    "update_hook",
    "update_pull_request",
    "update_variable",
    "variables",
    "write_source",
]
