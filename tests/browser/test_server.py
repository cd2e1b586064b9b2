"""The web app's server: access, lost connections, kernels; and JupyterLab."""

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from browser_app import (
    beats_csv,
    choose,
    demo_notebook,
    file,
    jupyterlab,
    needs_browser,
    new_page,
    own_settings,
    small_notebook,
    voila,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_browser]


def test_only_the_demo_is_served(app: tuple[str, Path]) -> None:
    address, _ = app
    for path in ("a.png", "05_classifier_demo.ipynb", "server.log", "..%2f..%2fetc%2fpasswd"):
        assert requests.get(f"{address}/voila/files/{path}").status_code in (403, 404), path
    for path in ("api/contents", "api/kernels", "api/terminals"):
        assert requests.get(f"{address}/{path}").status_code in (403, 404), path


def test_a_token_is_required(tmp_path: Path) -> None:
    with voila(small_notebook(tmp_path), ECG_APP_TOKEN="sesame") as (address, _):
        assert "/login" in requests.get(address).url
        assert "/login" not in requests.get(f"{address}/?token=sesame").url
        assert requests.get(f"{address}/voila/static/voila.js").ok  # for health checks


@pytest.fixture
def breakable(chromium, app: tuple[str, Path]) -> Iterator:
    """A page whose connection `break_off` ends; `lost` counts large messages that end it."""
    page = new_page(chromium)
    connections, page.lost = [], 0

    def break_off() -> None:
        for side in connections[-1]:
            side.close(code=4000)

    def through(ours) -> None:
        server = ours.connect_to_server()
        connections.append((ours, server))

        def forward(message: str | bytes) -> None:
            if page.lost and len(message) > 500_000:
                page.lost -= 1
                break_off()
            else:
                server.send(message)

        ours.on_message(forward)

    page.route_web_socket("**/channels*", through)
    page.goto(app[0])
    page.get_by_text("are uncertain").wait_for()
    page.break_off, page.connections = break_off, connections
    yield page
    page.close()


def test_a_connection_that_breaks_off(breakable) -> None:
    """A click meanwhile waits until the page is connected again, to the same kernel."""
    page = breakable
    page.get_by_role("button", name="Next →").click()
    page.get_by_text("Beat 2 of").wait_for()
    before = len(page.connections)
    page.break_off()
    page.get_by_role("button", name="Next →").click()
    page.get_by_text("Beat 3 of").wait_for()
    assert len(page.connections) > before and page.get_by_role("alert").count() == 0


def test_a_connection_that_breaks_off_while_a_file_is_sent(breakable) -> None:
    page = breakable
    page.get_by_role("tab", name="Your ECG").click()
    large = file("large.csv", b"\n".join([beats_csv(10)] * 200))
    page.lost = 1
    choose(page, large)
    page.get_by_role("alert").filter(has_text="a part of the file was lost").wait_for()
    choose(page, large)
    page.get_by_text("large.csv: 2,000 beats").wait_for()
    page.get_by_role("alert").wait_for(state="hidden")
    assert page.locator(".ecg-drop [role=status]").inner_text() == "", "it has arrived"


def test_twenty_pages_leave_no_kernel(chromium, tmp_path: Path) -> None:
    """One after the other; kernels that a page leaves are culled."""
    quick = ("--MappingKernelManager.cull_idle_timeout=3", "--MappingKernelManager.cull_interval=1")
    with voila(small_notebook(tmp_path), *quick) as (address, pid):
        for _ in range(20):
            page = new_page(chromium)
            page.goto(address)
            page.get_by_text("a page 42").wait_for()
            page.close()
        end = time.monotonic() + 120
        while psutil.Process(pid).children() and time.monotonic() < end:
            time.sleep(0.5)
        assert psutil.Process(pid).children() == []


def test_in_jupyterlab(chromium, tmp_path: Path) -> None:
    demo_notebook(tmp_path)
    with jupyterlab(tmp_path, **own_settings(tmp_path)) as (address, _):
        page = new_page(chromium)
        page.goto(f"{address}/lab/tree/05_classifier_demo.ipynb")
        page.get_by_text("Python 3").first.wait_for()
        page.get_by_role("menuitem", name="Run").click()
        page.get_by_text("Run All Cells", exact=True).click()
        tab = page.get_by_role("tab", name="Your ECG")
        tab.wait_for()
        tab.scroll_into_view_if_needed()
        tab.click()
        # Above the 10 MiB that a message may have here.
        content = b"\n".join([beats_csv(10)] * 800)
        assert len(content) > 11_000_000
        choose(page, file("large.csv", content))
        page.get_by_text("large.csv: 8,000 beats").wait_for()
        page.close()
