"""The README's picture of the app: pytest -m full tests/browser/test_screenshots.py.

It shows real recordings and a model in models/; renew it when those change.
"""

from pathlib import Path

import pytest
from PIL import Image

from browser_app import ROOT, demo_notebook, needs_browser, new_page, voila

pytestmark = [pytest.mark.full, pytest.mark.data, pytest.mark.browser, needs_browser]

PICTURE = ROOT / "outputs" / "screenshots" / "test_beat.png"
COLOURS = 256  # enough for lines and text, and small files
MOST_BYTES = 200_000


def test_an_uncertain_beat(chromium, mitdb: Path, tmp_path: Path) -> None:
    notebook = demo_notebook(tmp_path, source="folder")
    with voila(notebook, ECG_DATA=str(mitdb.parent)) as (address, _):
        page = new_page(chromium)
        page.goto(address)
        page.get_by_text("are uncertain").wait_for()
        page.get_by_label("Prediction").select_option("uncertain")
        page.get_by_label("Class", exact=True).select_option("F Fusion")
        page.get_by_label("Show").select_option("as recorded")
        page.get_by_label("Attention (green)").check()
        page.get_by_label("ECG paper").check()
        page.set_viewport_size({"width": 1240, "height": 780})
        page.get_by_text("ECG heartbeat classifier").first.scroll_into_view_if_needed()
        page.wait_for_timeout(3000)  # until everything is drawn
        page.mouse.move(0, 0)
        page.screenshot(path=PICTURE)
    few = Image.open(PICTURE).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
    few.save(PICTURE, optimize=True)  # keeps colours of few pixels, such as that of F
    assert PICTURE.stat().st_size < MOST_BYTES
