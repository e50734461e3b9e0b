"""Whatever settings are accepted, the files say what was meant, no more."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.configs import EnvironmentRequest, InvalidValue, Request, document, generate, kinds
from service.configs.generate import site_texts
from service.configs.nginx.fragments import fragments
from service.configs.nginx.reading import read
from service.configs.nginx.site import site_tree
from service.configs.pipeline import document as pipelines_document
from service.configs.place import target
from service.configs.scripts import scripts
from tests.configs.projects import PROJECTS, TEMPLATES

label = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,12}[a-zA-Z0-9])?", fullmatch=True)
hosts = st.lists(label, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
names = st.text(string.ascii_uppercase + string.digits + "_", min_size=1, max_size=12)
values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=40)
anything = st.text(st.characters(max_codepoint=0x2FFF), max_size=30)
branches = st.one_of(
    st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9._-]{0,8}[a-z0-9*])?", fullmatch=True), st.sampled_from(["**", "1e3", "yes"])
)
odd = st.sampled_from([False] * 9 + [True])


@st.composite
def requests(draw: st.DrawFn) -> Request | None:
    """Settings as people, and others, write them; None for those that are refused."""
    try:
        return Request(
            domain=draw(anything if draw(odd) else hosts),
            subdomain=draw(st.none() | label),
            server=draw(anything if draw(odd) else st.none() | hosts | st.ip_addresses().map(str)),
            port=draw(st.none() | st.integers(1, 65535)),
            ssl_enabled=draw(st.booleans()),
            env=tuple(draw(st.lists(st.tuples(names, values), max_size=3))),
            secrets=tuple(draw(st.lists(names, max_size=2))),
            environments=(
                EnvironmentRequest(
                    name=draw(st.sampled_from(["production", "live", "eu-1"])),
                    branch=draw(anything if draw(odd) else branches),
                    health_path=draw(st.none() | st.text(string.ascii_letters + "/._-", max_size=12).map("/".__add__)),
                ),
            ),
            nginx_version=draw(st.sampled_from(["1.18", "1.22", "1.26", "1.29.3"])),
            keep_releases=draw(st.integers(2, 9)),
        )
    except InvalidValue:
        return None


def _holds(name: str, request: Request | None) -> None:
    if request is None:
        return
    plan = kinds.plan(PROJECTS[name], TEMPLATES)
    targets = tuple(target(plan, request, environment) for environment in request.environments)
    parts = fragments(
        TEMPLATES,
        nginx_version=request.nginx_version,
        openssl_version=request.openssl_version,
        hsts=request.ssl_enabled,
    )
    sites = site_texts(plan, targets, parts)
    made = scripts(plan, targets, request.variable_names(), request.keep_releases, sites, TEMPLATES)

    generated = generate(PROJECTS[name], request, TEMPLATES)

    assert document.read(generated.pipelines_yml) == pipelines_document(plan, targets, made)
    assert read(generated.nginx_config) == site_tree(plan.site, targets[0].place, parts)
    assert generated.pipelines_yml.isascii()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.sampled_from(sorted(PROJECTS)), requests())
def test_accepted_settings_read_back_as_the_intended_trees(name: str, request: Request | None) -> None:
    _holds(name, request)


@pytest.mark.endurance
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.sampled_from(sorted(PROJECTS)), requests().filter(lambda request: request is not None))
def test_ten_thousand_accepted_settings_read_back_as_the_intended_trees(name: str, request: Request | None) -> None:
    _holds(name, request)
