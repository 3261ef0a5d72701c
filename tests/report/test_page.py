"""The HTML page in a real headless browser: it opens with 100,000 findings, filters, shows and prints."""

from __future__ import annotations

import shutil

import pytest

from seawall.core import Outcome
from seawall.report import render
from support import missing
from support.reports import finding, report

pytestmark = pytest.mark.browser

OUTCOMES = (Outcome.FAIL, Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED, Outcome.FAIL)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        missing("a browser", "chromium is not on PATH (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a report in a fresh tab that keeps every error and every request it would make."""
    contexts = []

    def opened(data, fragment="", **options):
        file = tmp_path / "report.html"
        file.write_text(render(data, "html"))
        context = browser.new_context(viewport={"width": 1360, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda line: page.problems.append(line.text) if line.type == "error" else None)
        page.on(
            "request",
            lambda request: (
                page.problems.append(request.url) if not request.url.startswith(("file:", "data:")) else None
            ),
        )
        page.goto(f"file://{file}{fragment}")
        page.locator("html[data-ready]").wait_for(state="attached", timeout=30_000)
        return page

    yield opened
    for context in contexts:
        context.close()


def test_opens_with_100_000_findings_and_keeps_few_of_them_in_the_document(open_page):
    large = report(tuple(finding(n, OUTCOMES[n % 5]) for n in range(100_000)))
    page = open_page(large)
    assert page.locator("html").get_attribute("data-ready") == "100000"
    assert page.locator("#count").text_content() == "100,000 findings"
    assert 5 < page.locator(".row").count() < 60
    page.locator("#view").evaluate("node => { node.scrollTop = node.scrollHeight; }")
    # The top of the list has gone from the document, its end has come.
    page.locator("#rows", has_not_text="Deployment.apps/shop/app-0").wait_for(state="attached")
    assert page.locator(".row").count() < 60
    page.locator("#search").fill("app-4242 image-pinned")
    page.locator("#count", has_text=" of ").wait_for()
    assert page.locator("#count").text_content() == "1 of 100,000 findings"
    assert page.problems == []


def test_filters_by_chapter_severity_and_outcome_and_goes_back(open_page):
    data = report(tuple(finding(n, OUTCOMES[n % 5]) for n in range(40)))
    page = open_page(data)
    page.locator("#chapters .bar", has_text="Access").click()
    assert page.locator("#count").text_content() == "10 of 40 findings"
    page.locator("#outcome").select_option("waived")
    assert page.locator("#count").text_content() == "2 of 40 findings"
    page.locator("#clear").click()
    assert page.locator("#count").text_content() == "40 findings"
    page.locator("#severities .tile", has_text="High").click()
    assert page.locator("#count").text_content() == "10 of 40 findings"
    assert page.problems == []


def test_a_link_may_carry_a_filter(open_page):
    page = open_page(report(tuple(finding(n) for n in range(40))), "#severity=high&group=control")
    assert page.locator("#count").text_content() == "10 of 40 findings"
    assert page.locator(".head").count() == 1


def test_a_finding_opens_with_its_evidence_and_its_fix(open_page):
    page = open_page(report(tuple(finding(n) for n in range(40))))
    page.locator(".row").nth(1).click()
    panel = page.locator("#detail")
    assert "no-privileged-containers" in panel.text_content()
    assert "kubectl set image deployment/app-0" in panel.text_content()
    assert "apps/team 1/deploy, all.yaml:2:5" in panel.text_content()
    page.keyboard.press("Escape")
    assert panel.is_hidden()


def test_a_hostile_text_stays_text(open_page):
    evil = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
    page = open_page(report((finding(1, message=evil),)))
    assert page.locator(".row .clip").first.text_content() == evil
    assert page.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_follows_the_colours_that_the_reader_has_chosen(open_page, scheme):
    page = open_page(report((finding(1),)), color_scheme=scheme)
    red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    assert (red > 128) == (scheme == "light")
    page.locator("#theme").click()
    red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    assert (red > 128) != (scheme == "light")


def test_says_so_when_there_is_nothing(open_page):
    page = open_page(report(()))
    assert page.locator("#empty").is_visible()


def test_prints_every_finding(open_page):
    page = open_page(report(tuple(finding(n) for n in range(120))))
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#print .row").count() == 120
    assert page.pdf().startswith(b"%PDF")
