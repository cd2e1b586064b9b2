"""Waiting times in the web app, in a real browser: first page, many beats, panning.

    python benchmarks/page.py

Run it on an idle machine with Chromium, since it measures wall-clock times. Writes
``benchmarks/results/page.csv``.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from ecglib import load_beats
from ecglib.beats.beats import Beats
from ecglib.datasets.sources import locate
from ecglib.evaluation.results import keep_benchmark
from ecglib.paths import ROOT

sys.path.append(str(ROOT / "tests"))  # it uses their servers and browser
from browser_app import browser, demo_notebook, new_page, voila

VISITS = 3
READY_S = 40  # for which a page may prepare
MANY = 10_000  # beats in a file
FRAMES = """() => { window.frames_ms = []; let last = performance.now();
    const tick = now => { frames_ms.push(now - last); last = now; requestAnimationFrame(tick); };
    requestAnimationFrame(tick); }"""


def main() -> None:
    beats = load_beats()
    if beats.synthetic:
        raise SystemExit("This benchmark needs the real recordings.")
    with browser() as chromium, tempfile.TemporaryDirectory() as temporary:
        table = pd.DataFrame(measured(chromium, beats, Path(temporary)), columns=["what", "value"])
    keep_benchmark("page", table)
    print(table.to_string(index=False, float_format="{:.3g}".format))


def measured(chromium, beats: Beats, folder: Path) -> Iterator[tuple[str, float]]:
    """Name and value of each measurement."""
    mitdb = locate("auto").folder
    notebook = demo_notebook(folder, source="folder")
    data = {"ECG_DATA": str(mitdb.parent)}
    with voila(notebook, ECG_APP_WARM="1", **data) as (address, _):
        seconds = [visit(chromium, address, READY_S)[0] for _ in range(VISITS)]
        yield "first page, kept ready (s)", median(seconds)
    with voila(notebook, **data) as (address, _):
        visits = [visit(chromium, address) for _ in range(VISITS)]
        yield "first page (s)", median(seconds for seconds, _ in visits)
        page = visits[-1][1]
        page.get_by_role("tab", name="Your ECG").click()
        yield from many_beats(page, beats, folder / "many.csv")
        yield from panning(page, [mitdb / f"208.{kind}" for kind in ("hea", "dat")])


def visit(chromium, address: str, pause: float = 0.0) -> tuple[float, object]:
    """Seconds until a page shows the first beat and the summary of all; the page."""
    time.sleep(pause)
    page = new_page(chromium)
    start = time.perf_counter()
    page.goto(address)
    page.get_by_text("are uncertain").wait_for()
    return time.perf_counter() - start, page


def many_beats(page, beats: Beats, path: Path) -> Iterator[tuple[str, float]]:
    """Times to read and to classify a file of beats."""
    np.savetxt(path, beats.signal[:MANY], fmt="%.6f", delimiter=",")
    start = time.perf_counter()
    page.locator("input[type=file]").set_input_files([path])
    page.get_by_text(f"many.csv: {MANY:,} beats").wait_for()
    yield f"a file of {MANY:,} beats, until it is read (s)", time.perf_counter() - start
    start = time.perf_counter()
    page.get_by_role("button", name="Classify", exact=True).click()
    page.get_by_text(f"Beat 1 of {MANY:,}").wait_for()
    yield f"{MANY:,} beats, until they are classified (s)", time.perf_counter() - start


def panning(page, files: list[Path]) -> Iterator[tuple[str, float]]:
    """Frames of the browser while the mouse drags through half an hour of ECG."""
    start = time.perf_counter()
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_text("a recording of").wait_for()
    page.get_by_role("button", name="Classify", exact=True).click()
    page.get_by_text("beats found").wait_for()
    yield "half an hour of ECG, from the file to the trace (s)", time.perf_counter() - start
    page.wait_for_timeout(3000)
    box = page.locator(".bqplot.figure:visible").first.bounding_box()
    right, left = (box["x"] + share * box["width"] for share in (0.9, 0.2))
    middle = box["y"] + box["height"] / 2
    page.evaluate(FRAMES)
    for _ in range(5):
        page.mouse.move(right, middle)
        page.mouse.down()
        page.mouse.move(left, middle, steps=60)
        page.mouse.up()
    frames = np.array(page.evaluate("frames_ms"))
    yield "frames a second while panning", 1000 * len(frames) / frames.sum()
    yield "longest of 100 frames (ms)", np.percentile(frames, 99)


if __name__ == "__main__":
    main()
