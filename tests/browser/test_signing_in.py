"""Signing in, looking around by keyboard, connecting a repository, signing out: in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from service.web.pages import words
from tests.browser.process import Bitbucket, Process
from tests.living import Hook, push

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


def test_a_person_signs_in_by_name_and_password(penstock: Process, visitor: Page) -> None:
    penstock.run("user", "add", "ida", "--admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    visitor.goto(penstock.url)
    expect(visitor).to_have_url(f"{penstock.url}/sign-in")
    expect(visitor.get_by_label("Name")).to_be_focused()

    visitor.keyboard.type("ida")
    visitor.keyboard.press("Tab")
    visitor.keyboard.type(PASSWORD)
    visitor.keyboard.press("Enter")

    expect(visitor).to_have_url(f"{penstock.url}/")
    expect(visitor.locator("[data-connection]")).to_have_text("Live")


def test_a_wrong_password_is_said_and_can_be_typed_again(penstock: Process, visitor: Page) -> None:
    visitor.goto(f"{penstock.url}/sign-in")
    visitor.get_by_label("Name").fill("ida")
    visitor.get_by_label("Password").fill("incorrect horse")

    visitor.get_by_role("button", name="Sign in").click()

    expect(visitor.get_by_role("alert")).to_have_text("unknown name or wrong password")
    expect(visitor.get_by_label("Password")).to_be_focused()


def test_a_server_that_does_not_answer_is_said(penstock: Process, visitor: Page) -> None:
    visitor.goto(f"{penstock.url}/sign-in")
    visitor.get_by_label("Name").fill("ida")
    visitor.get_by_label("Password").fill(PASSWORD)
    penstock.kill()

    visitor.get_by_role("button", name="Sign in").click()

    expect(visitor.get_by_role("alert")).to_have_text("Penstock does not answer. Is it running?")


def test_who_signs_out_elsewhere_is_signed_out_on_every_page(penstock: Process, page: Page) -> None:
    other = page.context.new_page()
    other.goto(penstock.url)

    other.get_by_role("button", name="Sign out").click()

    expect(other).to_have_url(f"{penstock.url}/sign-in")
    expect(page).to_have_url(f"{penstock.url}/sign-in")


def test_a_keyboard_reaches_everything_in_order(page: Page) -> None:
    reached = []
    page.keyboard.press("Tab")
    for _ in range(10):
        reached.append(page.evaluate("document.activeElement.innerText.trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Tab")

    links = ["Penstock", "Pipelines", "Deliveries", "Drift", "Notifications", "Insights", "API"]
    assert reached == ["Skip to the content", *links, "Sign out", "Connect a repository"]


def test_a_repository_is_connected_on_the_page_and_its_first_push_arrives(
    page: Page, penstock: Process, bitbucket: Bitbucket
) -> None:
    page.get_by_role("link", name="Connect a repository").click()
    page.get_by_label("Workspace").fill("acme")
    page.get_by_label("Repository", exact=True).fill("shop")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("heading", name="Paste its webhook into Bitbucket")).to_be_focused()
    url, secret = page.get_by_label("URL").input_value(), page.get_by_label("Secret").input_value()

    bitbucket.deliver(Hook(0, "acme/shop", url, secret), "repo:push", push("main", "c0ffee00" * 5))
    page.get_by_role("link", name="watch it arrive").click()

    expect(page.locator("li.card")).to_contain_text("acme/shop")


def test_with_a_token_nothing_is_to_be_pasted(page: Page, penstock: Process) -> None:
    page.goto(page.url + "connect")
    page.get_by_label("Workspace").fill("acme")
    page.get_by_label("Repository").fill("shop")
    page.get_by_label("Access token").fill("ATCTT3xFfGN0-a-token")
    page.get_by_role("button", name="Connect").click()

    expect(page.get_by_role("heading", name="Push")).to_be_focused()
    expect(page.get_by_role("heading", name="Paste its webhook into Bitbucket")).to_be_hidden()
    [kept] = page.request.get(f"{penstock.url}/api/credentials").json()["items"]
    [made] = page.request.get(f"{penstock.url}/api/repositories").json()["items"]
    assert (kept["name"], made["credential_id"]) == ("acme/shop", kept["id"])
    assert "ATCTT3xFfGN0" not in page.content()


def test_a_token_of_a_repository_that_cannot_be_connected_is_not_kept(
    page: Page, bitbucket: Bitbucket, penstock: Process
) -> None:
    bitbucket.connect("acme/shop")
    page.goto(page.url + "connect")
    page.get_by_label("Workspace").fill("acme")
    page.get_by_label("Repository").fill("shop")
    page.get_by_label("Access token").fill("ATCTT3xFfGN0-a-token")
    page.get_by_role("button", name="Connect").click()

    expect(page.get_by_role("alert")).to_contain_text("acme/shop is connected already")
    expect(page.get_by_role("button", name="Connect")).to_be_enabled()
    assert page.request.get(f"{penstock.url}/api/credentials").json()["items"] == []


def test_a_repository_that_is_connected_already_is_refused_in_words(page: Page, bitbucket: Bitbucket) -> None:
    bitbucket.connect("acme/shop")
    page.goto(page.url + "connect")
    page.get_by_label("Workspace").fill("acme")
    page.get_by_label("Repository", exact=True).fill("shop")

    page.get_by_role("button", name="Connect", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("acme/shop is connected already")


def test_the_script_says_everything_as_the_server_does(page: Page) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    seconds = [0, 1.9, 59, 60, 61, 3599, 3600, 86399, 86400, 90061, 10**7, -5]
    moments = [(now - timedelta(seconds=each), each) for each in seconds]
    times = [[words.lasting(each), words.ago(at, now), words.exactly(at)] for at, each in moments]
    steps = [[words.step_told(stage, status) for stage in words.STAGES] for status in ("BUILDING", "FAILED")]
    keys = [*words.EVENTS, "repo:fork"]

    script = """async ([now, seconds, stages, keys]) => {
        const words = await import("/static/words.js");
        const at = (each) => new Date(now - each * 1000);
        const times = seconds.map((each) => [words.lasting(each), words.ago(at(each), now), words.exactly(at(each))]);
        const steps = ["BUILDING", "FAILED"].map((status) => stages.map((stage) => words.stepTold(stage, status)));
        return [times, steps, keys.map(words.eventWord)];
    }"""
    said = page.evaluate(script, [now.timestamp() * 1000, seconds, list(words.STAGES), keys])

    assert said == [times, steps, [words.event_word(key) for key in keys]]
