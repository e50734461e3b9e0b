"""Makes a page out of a template. Whatever comes from Bitbucket or a person is escaped, without exception.

A page needs nothing from elsewhere and has no script or style of its own inside, and the browser is told so: what
slipped through the escaping in a branch's name would still not run.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.clock import written
from service.render import environment
from service.store.accounts import Viewer
from service.web.call import house_of
from service.web.pages import words

POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CODE = re.compile(r"`([^`]+)`")
NOT_STORED = {"Cache-Control": "no-store"}


def page(request: Request, template: str, *, viewer: Viewer | None, status: int = 200, **values: Any) -> Response:
    """The page of that name in `templates/pages/`. `values` are what it shows."""
    shown = {"viewer": viewer, "here": request.url.path, "now": house_of(request).recorder.now(), **values}
    html = _templates.get_template(f"pages/{template}").render(shown)
    return HTMLResponse(html, status, {**POLICY, **NOT_STORED})


def missing(request: Request, what: str, viewer: Viewer) -> Response:
    """Also the answer for what is there and somebody else's."""
    return page(request, "missing.html", viewer=viewer, status=404, what=what)


def missing_for_all(request: Request) -> Response:
    """For a page that is not there for anybody."""
    return page(request, "missing.html", viewer=None, status=404, what="page")


def to_sign_in() -> Response:
    return RedirectResponse("/sign-in", 303, {**POLICY, **NOT_STORED})


def _elapsed(since: datetime, now: datetime) -> str:
    return words.lasting((now - since).total_seconds())


def _coded(text: str) -> Markup:
    """A text of ours in which what stands between back-quotes is code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


_templates = environment().overlay(autoescape=True)
_templates.globals.update(stages=words.STAGES, step_told=words.step_told)
_templates.filters.update(
    lasting=words.lasting,
    ago=words.ago,
    exactly=words.exactly,
    short=words.short,
    event_word=words.event_word,
    written=written,
    elapsed=_elapsed,
    coded=_coded,
)
