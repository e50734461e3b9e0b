"""What Penstock does when something happens: one file per thing that happens, merged into one router."""

from handlers import pipeline_status, push, repository, unused
from handlers.desk import Handlers

router = Handlers(push.router, pipeline_status.router, repository.router, unused.router)
