"""The cost of panning through half an hour in the demo, without a browser.

    python benchmarks/panning.py

The trace moves by a twentieth of the view at a time, about as far as a mouse between two messages,
from one end of a recording to the other. The browser has the data of most moves already; the others
make new data, which a person may notice. ``benchmarks/results/panning.csv`` has one line for each
width of view.
"""

import argparse
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from ecglib.apps.demo.state.recording import Strip
from ecglib.apps.demo.widgets.strip import StripTrace
from ecglib.beats.find import known_beats
from ecglib.datasets.sources import locate
from ecglib.evaluation.results import keep_benchmark
from ecglib.labels import labels_of
from ecglib.models.recordings import ClassifiedRecording
from ecglib.recordings.quality import OK
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.recording import Ecg

WIDTHS_S = (5, 10, 60, 600)  # of the view
STEP = 0.05  # of the view, at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", default="208")
    folder = locate("auto", None).folder
    trace = StripTrace()
    with open_ecg(folder / parser.parse_args().record) as ecg:
        trace.load(annotated(ecg))
        table = pd.DataFrame([panned(trace, width) for width in WIDTHS_S])
    keep_benchmark("panning", table)
    print(table.to_string(index=False, float_format="{:.3g}".format))


def annotated(ecg: Ecg) -> Strip:
    """A recording in memory with annotated instead of predicted classes."""
    samples = ecg.read(0, ecg.n_samples, 0)
    ecg = replace(ecg, read=lambda start, stop, lead: samples[start:stop])
    peaks, symbols = ecg.beats()
    table = pd.DataFrame({"sample": peaks, "time_s": peaks / ecg.fs, "quality": OK})
    recording = ClassifiedRecording(table, known_beats(ecg, (0,), peaks))
    return Strip(recording, labels_of(symbols))


def panned(trace: StripTrace, width: float) -> dict[str, float]:
    """Move a view of `width` seconds from the recording's beginning to its end."""
    milliseconds, points = [], []
    for start in np.arange(0, trace.strip.seconds - width, STEP * width):
        before = trace.drawn
        begun = time.thread_time()
        trace.x.show(start, start + width)
        trace.refresh()
        milliseconds.append(1000 * (time.thread_time() - begun))
        if trace.drawn != before:
            marks = (*trace.traces, trace.letters, trace.rr_line, *trace.rr_marks)
            points.append(sum(len(mark.x) for mark in marks))
    return {
        "view_s": width,
        "moves": len(milliseconds),
        "with_new_data": len(points),
        "points_median": np.median(points),
        "points_most": max(points),
        "cpu_ms_median": np.median(milliseconds),
        "cpu_ms_99_percent": np.percentile(milliseconds, 99),
        "cpu_ms_a_second_of_recording": sum(milliseconds) / trace.strip.seconds,
    }


if __name__ == "__main__":
    main()
