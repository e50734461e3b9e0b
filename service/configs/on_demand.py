"""A pipelines file for one run: an environment rolled back or promoted to, where the commit's own file has no way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from jinja2 import Environment

from service.configs import document, kinds, lint
from service.configs.generate import asked_fragments, asked_kind, site_texts
from service.configs.grammar import InvalidValue
from service.configs.pipeline import COMMENTS, PROMOTION, ROLLBACK, promote, rebuild, relink
from service.configs.place import Target, target
from service.configs.plan import Plan
from service.configs.request import Request
from service.configs.scripts import Scripts, scripts
from service.configs.variables import contract
from service.projects.model import Detection

Build = Callable[[Plan, Target, Scripts], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemandPipeline:
    """`yaml` is the file, `custom` the name of the one custom pipeline in it: the selector of the run.

    `takes_release` says that the run needs the variable RELEASE: a build number that is on the server, or `previous`.
    """

    yaml: str
    custom: str
    takes_release: bool


def rollback_pipeline(
    detection: Detection,
    request: Request,
    templates: Environment,
    *,
    environment: str,
    method: Literal["rebuild", "relink"] = "rebuild",
) -> OnDemandPipeline:
    """Render the file that rolls one environment of the request back, and nothing else.

    `rebuild` builds the commit that the run is started for and deploys it under the run's own number, without tests
    and without waiting for an approval; the release that was live counts as bad from then on. `relink` goes back to a
    release that is still on the server, as `custom: rollback` of every generated file does. `detection` is best that of
    the target's commit. Variables given to the run win over those of the environment, so a rollback to the settings
    of then passes them. The same input gives the same bytes. Raises InvalidValue, as `generate` does.
    """
    build = rebuild if method == "rebuild" else relink
    yaml = _written(detection, request, templates, environment, build, deploys=method == "rebuild")
    return OnDemandPipeline(yaml=yaml, custom=ROLLBACK, takes_release=method == "relink")


def promotion_pipeline(
    detection: Detection, request: Request, templates: Environment, *, environment: str
) -> OnDemandPipeline:
    """Render the file that builds the commit of its run and deploys it to one environment of the request.

    Without tests and without waiting for an approval, as `rollback_pipeline` does; it is an ordinary deployment
    otherwise. Raises InvalidValue.
    """
    yaml = _written(detection, request, templates, environment, promote, deploys=True)
    return OnDemandPipeline(yaml=yaml, custom=PROMOTION, takes_release=False)


def _written(
    detection: Detection, request: Request, templates: Environment, environment: str, build: Build, *, deploys: bool
) -> str:
    plan = kinds.plan(asked_kind(detection, request), templates)
    targets = tuple(target(plan, request, one) for one in request.environments)
    chosen = _named(targets, environment)
    sites = site_texts(plan, targets, asked_fragments(request, templates))
    own = {name: text for name, text in sites.items() if name == environment and deploys}
    made = scripts(plan, (chosen,), request.variable_names(), request.keep_releases, own, templates)
    data = build(plan, chosen, made)
    lint.check(data, _known(plan, request))
    return document.write(data, {"definitions": COMMENTS["definitions"]})


def _named(targets: tuple[Target, ...], name: str) -> Target:
    found = next((one for one in targets if one.environment.name == name), None)
    if found is None:
        known = ", ".join(one.environment.name for one in targets)
        raise InvalidValue("environment", f"there is none of this name; choose one of {known}")
    return found


def _known(plan: Plan, request: Request) -> frozenset[str]:
    return frozenset(variable.name for variable in contract(plan, request))
