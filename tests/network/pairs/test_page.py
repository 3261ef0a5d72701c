"""The page of the matrix in a real browser: grouped at 500 workloads, opened where one clicks, asking nobody."""

from __future__ import annotations

import shutil

import pytest

from seawall.network.estate import read_estate
from seawall.network.pairs import Matrix
from seawall.network.pairs.page import page
from seawall.network.pairs.view import entities
from support import missing

pytestmark = pytest.mark.browser

SPACES, APPS = 25, 20


def estate():
    objects = [
        {
            "kind": "Pod",
            "metadata": {
                "name": f"app-{n}",
                "namespace": f"ns-{n // APPS:02d}",
                "labels": {"app": f"app-{n}"},
            },
        }
        for n in range(SPACES * APPS)
    ]
    objects += [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"p{n}", "namespace": f"ns-{n // APPS:02d}"},
            "spec": {
                "podSelector": {"matchLabels": {"app": f"app-{n}"}},
                "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}],
            },
        }
        for n in range(0, SPACES * APPS, 3)
    ]
    objects[0]["metadata"]["name"] = "</script><img src=x onerror=alert(1)>"
    return read_estate(objects)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        missing("a browser", "chromium is not on PATH (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    read = estate()
    matrix = Matrix(read)
    file = tmp_path_factory.mktemp("page") / "matrix.html"
    file.write_text(page(matrix, entities(matrix, read)), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        tab.errors, tab.asked = [], []
        tab.on("pageerror", lambda error: tab.errors.append(str(error)))
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("dialog", lambda dialog: tab.errors.append(dialog.message))
        tab.goto(file.as_uri())
        yield tab
        browser.close()


def test_five_hundred_workloads_open_as_their_namespaces(opened):
    opened.click("#fold")
    assert opened.locator("tbody tr").count() == SPACES + 1
    assert opened.locator("td").count() == (SPACES + 1) ** 2


def test_a_namespace_opens_to_its_workloads_and_a_cell_to_its_ports(opened):
    opened.click("#fold")
    opened.click("tbody th >> text='ns-03 (20)'")
    assert opened.locator("tbody tr").count() == SPACES + APPS
    opened.click('td[title^="ns-03/app-61[Pod] → ns-03/app-60[Pod]"]')
    assert "TCP 80" in opened.locator("#more").inner_text()


def test_the_graph_draws_what_is_picked(opened):
    opened.click("#fold")
    opened.click("#asGraph")
    opened.click("svg text >> nth=4")
    assert opened.locator("svg path.from").count() > 0
    opened.click("#asMatrix")


def test_names_of_others_are_text_and_nothing_leaves_the_page(opened):
    assert opened.locator("img").count() == 0
    assert opened.errors == []
    assert [url for url in opened.asked if not url.startswith("file:")] == []
