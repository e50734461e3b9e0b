"""Step logs over REST."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.logbytes import ranged
from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, not_found
from service.simulator.rest.door import run_of
from service.simulator.rest.pipelines import step_of


async def get_log(request: Request, repository: Repository) -> Response:
    """Raw bytes while the step goes on; afterwards a redirect to the storage, which wants no `Authorization`.

    406 for a caller who accepts JSON only: a log is none. 404 until something has been written.
    """
    run = run_of(request, repository)
    step = step_of(request, run)
    if request.headers.get("accept", "").startswith("application/json"):
        raise ApiError(406, "Not Acceptable")
    if not step.log:
        raise not_found("Not found", "The log of this step does not exist.")
    if step.state == "COMPLETED":
        where = f"{repository.cloud.storage_url}/logs/{quote(run.uuid)}/{quote(step.uuid)}"
        return Response(status_code=307, headers={"Location": f"{where}?X-Amz-Expires=60&X-Amz-Signature=simulated"})
    return ranged(step.log, request.headers, name=step.log_name, honour=repository.logs_honour_range)
