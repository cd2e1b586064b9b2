"""The web app with a real server and a real browser."""

import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

from browser_app import PATIENCE_S, beats_csv, choose, file, needs_browser, new_page
from ecglib.apps.demo.widgets.elements import NOTICE
from ecglib.datasets.synthetic import cached

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_browser]


@pytest.fixture(scope="module")
def opened(chromium, app: tuple[str, Path]) -> Iterator:
    """One open page for all tests here."""
    page = new_page(chromium)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(app[0])
    page.get_by_text("are uncertain").wait_for()
    yield page
    assert page.errors == []


@pytest.fixture
def page(opened) -> Iterator:
    """The page, showing test beats."""
    opened.get_by_role("tab", name="Test beats").click()
    yield opened


@pytest.fixture
def own(opened) -> Iterator:
    """The page, ready for files."""
    opened.get_by_role("tab", name="Your ECG").click()
    yield opened


def download(page, button: str) -> tuple[str, bytes]:
    with page.expect_download() as loading:
        page.get_by_role("button", name=button).click()
    return loading.value.suggested_filename, Path(loading.value.path()).read_bytes()


# --- test beats ----------------------------------------------------------------------------------


def test_the_notice_is_visible_and_the_lesson_is_not(page) -> None:
    assert page.get_by_text(NOTICE).first.is_visible()
    assert page.get_by_text("SYNTHETIC").first.is_visible()
    assert page.get_by_text("What you will learn").count() == 0


def test_gallery(page) -> None:
    page.get_by_role("button", name="Next →").click()
    page.get_by_text("Beat 2 of").wait_for()
    page.get_by_role("button", name="← Previous").click()
    page.get_by_text("Beat 1 of").wait_for()
    page.get_by_label("Class", exact=True).select_option("V Ventricular")
    page.get_by_text("the true class is V Ventricular").wait_for()
    page.get_by_label("Order").select_option("least sure first")
    page.get_by_label("Patient").select_option(index=1)
    page.get_by_text("in all)").wait_for()
    page.get_by_label("Patient").select_option("all")
    page.get_by_label("Order").select_option("original order")
    page.get_by_label("Class", exact=True).select_option("all classes")
    page.get_by_text("Beat 1 of").wait_for()
    page.get_by_role("button", name="Next abnormal").click()
    page.get_by_text("Beat 1 of").wait_for(state="hidden")


def test_looks_and_zoom(page) -> None:
    page.get_by_label("Attention (green)").check()
    page.get_by_label("ECG paper").check()
    page.get_by_label("Show").select_option("as recorded")
    page.get_by_text("amplitude (mV)").first.wait_for()
    figure = page.locator(".bqplot.figure").last
    ticks = figure.locator(".axis text")
    before = ticks.all_text_contents()
    box = figure.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -400)
    expect(ticks).not_to_have_text(before, timeout=1000 * PATIENCE_S)
    page.get_by_role("button", name="Whole beat").click()
    page.get_by_label("Show").select_option("scaled, as the network reads it")
    page.get_by_text("amplitude (scaled)").first.wait_for()


def test_threshold_by_keyboard(page) -> None:
    summary = page.get_by_text("are uncertain")
    before = summary.inner_text()
    page.locator(".noUi-handle").first.focus()
    page.keyboard.press("End")
    expect(summary).not_to_have_text(before, timeout=1000 * PATIENCE_S)
    assert "100.0% of" in summary.inner_text()
    page.get_by_text("a person should check").wait_for()
    field = page.get_by_label("Uncertain below")  # instead of the slider
    field.fill("0.1")
    field.press("Enter")
    page.get_by_text("a person should check").wait_for(state="hidden")


def test_an_error_of_a_callback_is_shown(page) -> None:
    page.get_by_role("button", name="Random").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    for words in ("ZeroDivisionError", "error of the program"):
        assert words in alert.inner_text()
    page.get_by_role("button", name="Next →").click()
    alert.wait_for(state="hidden")


def test_everything_has_a_name_for_screen_readers(page) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, [role=tab]')]
            .filter(e => e.offsetParent !== null)
            .filter(e => !(e.textContent.trim() || e.ariaLabel || e.title || e.labels?.length
                           || e.closest('[title], label')))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_tabs_by_keyboard(page) -> None:
    page.get_by_role("tab", name="Test beats").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("Drop ECG files here").wait_for()


# --- an ECG of one's own -------------------------------------------------------------------------


def test_beats_from_a_file(own) -> None:
    choose(own, file("mine.csv", beats_csv()))
    own.get_by_text("mine.csv: 30 beats. Labels are in the last column.").wait_for()
    own.get_by_role("button", name="Classify", exact=True).click()
    own.get_by_text("Beat 1 of 30: mine.csv, beat 1").wait_for()
    name, content = download(own, "Download CSV")
    table = pd.read_csv(io.BytesIO(content))
    assert name == "mine_classified.csv" and len(table) == 30 and "right" in table
    accuracy = f"{table.right.mean():.1%} of all are right"
    assert accuracy in own.get_by_text("are uncertain").inner_text()
    own.get_by_label("Table of all selected beats").check()
    own.get_by_text("Beats 1 to 25 of 30").wait_for()
    own.get_by_label("Table of all selected beats").uncheck()


def test_the_same_file_twice(own) -> None:
    for content in (b"a,b\n", beats_csv(3)):  # the same name, corrected
        choose(own, file("twice.csv", content))
        own.get_by_text("twice.csv holds no numbers" if b"a" in content else "3 beats.").wait_for()


def test_a_recording_from_wfdb_files(own, tmp_path: Path) -> None:
    import wfdb

    record = sorted(cached().glob("*.hea"))[0]
    choose(own, *(record.with_suffix(f".{kind}") for kind in ("hea", "dat", "atr")))
    own.get_by_text("a recording of").wait_for()
    own.get_by_role("button", name="Classify", exact=True).dblclick()
    own.get_by_text("beats found").wait_for()
    own.get_by_text("time (s)").wait_for()
    own.get_by_role("button", name="Next abnormal").click()
    own.get_by_text("Beat 1 of").wait_for(state="hidden")
    own.get_by_role("button", name="Whole recording").click()
    name, content = download(own, "Download .atr")
    assert name.endswith("_classified.atr")
    (tmp_path / name).write_bytes(content)
    marks = wfdb.rdann(str((tmp_path / name).with_suffix("")), "atr")
    assert len(marks.sample) > 100 and set(marks.symbol) <= set("NSVFQ") and marks.fs == 360


def test_dropping_a_file(own) -> None:
    data = own.evaluate_handle(
        """text => { const data = new DataTransfer();
                     data.items.add(new File([text], 'dropped.csv')); return data; }""",
        beats_csv(2).decode(),
    )
    own.locator(".ecg-drop").dispatch_event("drop", {"dataTransfer": data})
    own.get_by_text("dropped.csv: 2 beats").wait_for()


def test_a_file_that_is_too_big(own, tmp_path: Path) -> None:
    big = tmp_path / "big.csv"
    with big.open("wb") as sparse:
        sparse.truncate(60_000_000)
    choose(own, big)
    own.get_by_text("Too much: 1 file of 60.0 MB").wait_for()


def test_a_sample_is_classified_at_once(own) -> None:
    own.get_by_label("or try a sample").select_option("sample_001_Normal_label0.csv")
    own.get_by_text("Beat 1 of 1: sample_001_Normal_label0.csv").wait_for()
    own.get_by_text("the true class is N Normal").wait_for()
