"""The R-peak detectors compared on all 48 recordings, clean and with electrode noise.

    python benchmarks/detectors.py                    every detector, about 20 CPU minutes
    python benchmarks/detectors.py --only matched sleepecg       the fast ones, about one

Detections are matched one to one with annotated beats within 150 ms. The noise is ``em`` of the
MIT-BIH Noise Stress Test Database, added as there: two minutes in four after the first five, its
power set against that of the QRS complexes. One line a detector, record and noise goes to
``benchmarks/results/detectors.csv`` and is not made again while it is there, so the same call goes
on where it was interrupted.
"""

import argparse
import time
from itertools import product

import numpy as np
import pandas as pd

from ecglib.datasets.sources import locate
from ecglib.evaluation.results import keep_benchmark
from ecglib.labels import MITDB_RECORDS, SYMBOL_TO_CLASS
from ecglib.paths import ROOT
from ecglib.recordings.rpeaks import DETECTORS, find_r_peaks, match_peaks
from ecglib.recordings.wfdb import read_recording

RESULTS = ROOT / "benchmarks" / "results" / "detectors.csv"
FS = 360
NOISE_DB = (None, 12, 6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=DETECTORS, default=list(DETECTORS))
    asked = parser.parse_args()
    folder = locate("auto", None).folder
    em = read_recording(folder.parent / "nstdb" / "em", leads=[0]).signal[:, 0].astype(float)
    columns = pd.DataFrame(columns=["detector", "record"])
    table = pd.read_csv(RESULTS, dtype={"record": str}) if RESULTS.exists() else columns
    done = set(zip(table.detector, table.record, strict=True))
    for detector, name in product(asked.only, MITDB_RECORDS):
        if (detector, name) in done:
            continue
        recording = read_recording(folder / name, leads=[0])
        beats = recording.mark_sample[[s in SYMBOL_TO_CLASS for s in recording.mark_symbol]]
        clean = recording.signal[:, 0].astype(float)
        rows = []
        for noise in NOISE_DB:
            signal = clean if noise is None else noisy(clean, beats, em, noise)
            started = time.process_time()
            found = find_r_peaks(signal, detector)
            seconds = time.process_time() - started
            mark, own = match_peaks(beats, found)
            offset = np.abs(found[own] - beats[mark])
            rows.append(
                {
                    "detector": detector,
                    "noise_db": noise,
                    "record": name,
                    "beats": len(beats),
                    "found": len(found),
                    "matched": len(mark),
                    "within_1_sample": int((offset <= 1).sum()),
                    "within_5_samples": int((offset <= 5).sum()),
                    "cpu_seconds": seconds,
                }
            )
        table = pd.concat([table, pd.DataFrame(rows)])
        keep_benchmark("detectors", table)
    show(table)


def noisy(signal: np.ndarray, beats: np.ndarray, noise: np.ndarray, decibels: float) -> np.ndarray:
    """The signal with noise in alternating two minutes, after the first five."""
    height = np.median([np.ptp(signal[max(b - 18, 0) : b + 18]) for b in beats[:300]])
    gain = np.sqrt(height**2 / 8 / (noise.var() * 10 ** (decibels / 10)))
    mixed = signal.copy()
    for start in range(300 * FS, len(signal), 240 * FS):
        part = slice(start, min(start + 120 * FS, len(signal)))
        mixed[part] += gain * noise[part]
    return mixed


def show(table: pd.DataFrame) -> None:
    """All records together, and without 207, whose flutter waves are not annotated as beats."""
    for title, part in {"all": table, "without 207": table[table.record != "207"]}.items():
        groups = part.groupby(["detector", "noise_db"], dropna=False)
        total = groups.sum(numeric_only=True)
        summary = pd.DataFrame(
            {
                "sensitivity": total.matched / total.beats,
                "positive_predictivity": total.matched / total.found,
                "within_1_sample": total.within_1_sample / total.matched,
                "within_5_samples": total.within_5_samples / total.matched,
                "seconds_per_record": total.cpu_seconds / groups.size(),
            }
        )
        print(title, summary.to_string(float_format="{:.4f}".format), sep="\n")


if __name__ == "__main__":
    main()
