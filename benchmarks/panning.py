"""What panning through half an hour costs the demo, without a browser.

    python benchmarks/panning.py

The trace is moved by a twentieth of the view at a time, about as far as a mouse between two
messages, from one end of a recording to the other. Most moves lie within what the browser has
already; the others make new data, which is what somebody may notice. One line a width of view
goes to ``benchmarks/results/panning.csv``.
"""

import argparse
import time

import numpy as np
import pandas as pd

from ecglib.apps.demo.state.recording import Strip
from ecglib.apps.demo.widgets.strip import StripTrace
from ecglib.datasets.sources import locate
from ecglib.evaluation.results import keep_benchmark
from ecglib.labels import labels_of
from ecglib.recordings.wfdb import read_recording

WIDTHS_S = (5, 10, 60, 600)  # of the view
STEP = 0.05  # of the view, at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", default="208")
    folder = locate("auto", None).folder
    trace = StripTrace()
    trace.load(annotated(read_recording(folder / parser.parse_args().record)))
    table = pd.DataFrame([panned(trace, width) for width in WIDTHS_S])
    keep_benchmark("panning", table)
    print(table.to_string(index=False, float_format="{:.3g}".format))


def annotated(recording) -> Strip:
    """A recording with the annotators' classes in place of a network's."""
    beat = recording.is_beat
    said = labels_of(recording.mark_symbol[beat])
    return Strip(
        recording.name, recording.leads[0], "mV", recording.fs, recording.signal[:, 0],
        recording.mark_sample[beat], np.array(said),
    )  # fmt: skip


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
