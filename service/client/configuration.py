"""What is set up in a repository: Pipelines itself, variables, environments, deployments, webhooks."""

from __future__ import annotations

from collections.abc import Iterable

from service.bitbucket import requests
from service.bitbucket.answers import Deployment, Environment, Hook, Variable
from service.bitbucket.requests import Assignment
from service.client.calls import Calls


class ConfigurationCalls(Calls):
    """`repository` is `workspace/slug`, or a uuid in braces. Everything raises BitbucketError.

    Variables are the repository's, or, with the uuid of an `environment`, those of its deployments.
    """

    async def pipelines_enabled(self, repository: str) -> bool:
        return (await self.ask(requests.pipelines_config(repository))).enabled

    async def enable_pipelines(self, repository: str) -> None:
        await self.ask(requests.enable_pipelines(repository))

    async def variables(self, repository: str, *, environment: str | None = None) -> list[Variable]:
        return await self.rows(requests.variables(repository, environment))

    async def create_variable(
        self, repository: str, variable: Assignment, *, environment: str | None = None
    ) -> Variable:
        """Raises Conflict where the key is taken."""
        return await self.ask(requests.create_variable(repository, variable, environment))

    async def update_variable(
        self, repository: str, uuid: str, variable: Assignment, *, environment: str | None = None
    ) -> Variable:
        return await self.ask(requests.update_variable(repository, uuid, variable, environment))

    async def delete_variable(self, repository: str, uuid: str, *, environment: str | None = None) -> None:
        await self.ask(requests.delete_variable(repository, uuid, environment))

    async def environments(self, repository: str) -> list[Environment]:
        return await self.rows(requests.environments(repository))

    async def create_environment(self, repository: str, name: str, *, kind: str) -> Environment:
        """`kind` is Test, Staging or Production. Raises Conflict where the name is taken."""
        return await self.ask(requests.create_environment(repository, name, kind))

    async def deployments(self, repository: str, *, limit: int | None = None) -> list[Deployment]:
        """In Bitbucket's order, which it does not document; there is no filter."""
        return await self.rows(requests.deployments(repository), limit=limit)

    async def hooks(self, repository: str) -> list[Hook]:
        return await self.rows(requests.hooks(repository))

    async def create_hook(
        self, repository: str, *, url: str, events: Iterable[str], secret: str, description: str
    ) -> Hook:
        request = requests.create_hook(repository, url=url, events=events, secret=secret, description=description)
        return await self.ask(request)

    async def update_hook(
        self,
        repository: str,
        uuid: str,
        *,
        url: str,
        events: Iterable[str],
        description: str,
        secret: str | None = None,
        active: bool = True,
    ) -> Hook:
        """Without a `secret` the one that Bitbucket has stays."""
        request = requests.update_hook(
            repository, uuid, url=url, events=events, secret=secret, description=description, active=active
        )
        return await self.ask(request)

    async def delete_hook(self, repository: str, uuid: str) -> None:
        await self.ask(requests.delete_hook(repository, uuid))
