"""Pictures of the demo for the README: pytest -m full tests/browser/test_screenshots.py.

They show the real recordings and the models in models/, so they are made anew when those change.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from browser_app import (
    ROOT,
    dark_settings,
    demo_notebook,
    jupyterlab,
    needs_browser,
    new_page,
    run_demo_notebook,
    voila,
)
from ecglib.paths import MODELS

pytestmark = [pytest.mark.full, pytest.mark.data, pytest.mark.browser, needs_browser]

FOLDER = ROOT / "outputs" / "screenshots"
COLOURS = 256  # enough for lines and text, and small files
MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def page(chromium, mitdb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    folder = tmp_path_factory.mktemp("pictures")
    notebook = demo_notebook(folder, source="folder")
    environment = {"ECG_DATA": str(mitdb.parent)}
    with voila(notebook, **environment) as (address, _):
        page = new_page(chromium)
        page.goto(address)
        page.get_by_text("are uncertain").wait_for()
        yield page


def take(page, name: str) -> None:
    """A picture of the page from its top, in few colours."""
    page.get_by_text("ECG heartbeat classifier").first.scroll_into_view_if_needed()
    page.wait_for_timeout(3000)  # until everything is drawn
    path = FOLDER / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    page.screenshot(path=path)
    few = Image.open(path).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
    few.save(path, optimize=True)  # also the colours of few pixels, such as that of F
    assert path.stat().st_size < MOST_BYTES


def test_an_uncertain_beat(page) -> None:
    page.get_by_label("Classified").select_option("uncertain")
    page.get_by_label("Class", exact=True).select_option("F Fusion")
    page.get_by_label("Show").select_option("as recorded")
    page.get_by_label("Attention (green)").check()
    page.get_by_label("ECG paper").check()
    page.set_viewport_size({"width": 1240, "height": 780})
    take(page, "test_beat")
    page.get_by_label("ECG paper").uncheck()


@pytest.mark.skipif(len(list(MODELS.glob("*.safetensors"))) < 2, reason="models/ has one model")
def test_two_models(page) -> None:
    page.get_by_label("Compare with").select_option(index=1)
    page.get_by_text("The models agree").wait_for()
    page.get_by_label("Classified").select_option("the models disagree")
    take(page, "two_models")
    page.get_by_label("Compare with").select_option("no other")


def test_a_recording(page, mitdb: Path) -> None:
    page.get_by_role("tab", name="Your ECG").click()
    files = [mitdb / f"208.{kind}" for kind in ("hea", "dat", "atr")]
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_text("annotations").wait_for()
    page.get_by_role("button", name="Classify", exact=True).click()
    page.get_by_text("beats found").wait_for()
    page.get_by_role("button", name="Next abnormal").click()
    page.get_by_label("Table of all beats").check()
    page.get_by_text("Beats 1 to 25").wait_for()
    page.set_viewport_size({"width": 1240, "height": 1720})
    take(page, "recording")
    page.get_by_label("Table of all beats").uncheck()


def test_about(page) -> None:
    page.get_by_role("tab", name="About").click()
    page.get_by_text("abnormal called Normal").wait_for()
    page.set_viewport_size({"width": 1240, "height": 1000})
    take(page, "about")


def test_dark_jupyterlab(chromium, mitdb: Path, tmp_path: Path) -> None:
    demo_notebook(tmp_path, source="folder")
    environment = {"ECG_DATA": str(mitdb.parent)} | dark_settings(tmp_path)
    with jupyterlab(tmp_path, **environment) as (address, _):
        page = run_demo_notebook(chromium, address)
        page.get_by_text("are uncertain").first.wait_for()
        page.get_by_label("Order").select_option("least sure first")
        page.get_by_text("needs a person's look").wait_for()
        page.evaluate("""() => [...document.querySelectorAll('[role=heading]')]
            .find(e => e.textContent === 'ECG heartbeat classifier').scrollIntoView()""")
        take(page, "jupyterlab_dark")
