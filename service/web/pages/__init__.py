"""The pages: what a person sees in a browser, one file per page."""

from starlette.routing import Mount, Route

from service.web.pages import bitbucket
from service.web.pages.approval import decide_by_link, show_approval
from service.web.pages.connect import show_connect
from service.web.pages.dashboard import show_dashboard
from service.web.pages.deliveries import show_deliveries
from service.web.pages.drift import show_drift
from service.web.pages.execution import show_execution
from service.web.pages.insights import show_insights
from service.web.pages.notifications import show_notifications
from service.web.pages.pipeline import show_pipeline
from service.web.pages.rollback import show_rollback
from service.web.pages.sign_in import show_sign_in
from service.web.pages.static import Static

routes = [
    Route("/", show_dashboard, methods=["GET"]),
    Route("/approvals/{id}", show_approval, methods=["GET"]),
    Route("/approvals/{id}", decide_by_link, methods=["POST"]),
    Route("/connect", show_connect, methods=["GET"]),
    Route("/deliveries", show_deliveries, methods=["GET"]),
    Route("/drift", show_drift, methods=["GET"]),
    Route("/executions/{id}", show_execution, methods=["GET"]),
    Route("/insights", show_insights, methods=["GET"]),
    Route("/notifications", show_notifications, methods=["GET"]),
    Route("/pipelines/{id}", show_pipeline, methods=["GET"]),
    Route("/pipelines/{id}/rollback", show_rollback, methods=["GET"]),
    Route("/sign-in", show_sign_in, methods=["GET"]),
    Route("/sign-in/bitbucket", bitbucket.go, methods=["GET"]),
    Route("/sign-in/bitbucket/callback", bitbucket.come_back, methods=["GET"]),
    Mount("/static", Static()),
]
