"""The project's R-peak detector and three others, on all 48 recordings, clean and with noise.

    python benchmarks/detectors.py                    every detector, about 20 CPU minutes
    python benchmarks/detectors.py --only matched sleepecg       the fast ones, about one

``gqrs`` and ``xqrs`` are wfdb's; ``sleepecg`` needs ``pip install sleepecg``. Their detections are
moved to where annotators put the mark, as the project's own are. Detections are matched one to one
with annotated beats within 150 ms. The noise is ``em`` (electrode motion) of the MIT-BIH Noise
Stress Test Database, added as there: two minutes in four after the first five, its power set
against that of the QRS complexes. Every detector, record and noise is one line of
``benchmarks/results/detectors.csv``; the same call continues after an interruption.
"""

import argparse
import time
from itertools import product

import numpy as np
import pandas as pd
from wfdb.processing import gqrs_detect, xqrs_detect

from ecglib.datasets.sources import locate
from ecglib.evaluation.results import keep_benchmark
from ecglib.labels import MITDB_RECORDS
from ecglib.paths import ROOT
from ecglib.recordings.rpeaks import filtered, find_r_peaks, match_peaks, settle
from ecglib.recordings.wfdb import read_recording

DETECTORS = ("matched", "gqrs", "xqrs", "sleepecg")
RESULTS = ROOT / "benchmarks" / "results" / "detectors.csv"
FS = 360
NOISE_DB = (None, 12, 6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=DETECTORS, default=list(DETECTORS))
    chosen = parser.parse_args().only
    folder = locate("auto", None).folder
    em = read_recording(folder.parent / "nstdb" / "em", leads=[0]).signal[:, 0].astype(float)
    columns = pd.DataFrame(columns=["detector", "record"])
    table = pd.read_csv(RESULTS, dtype={"record": str}) if RESULTS.exists() else columns
    done = set(zip(table.detector, table.record, strict=True))
    for detector, name in product(chosen, MITDB_RECORDS):
        if (detector, name) in done:
            continue
        recording = read_recording(folder / name, leads=[0])
        beats, _ = recording.beats()
        clean = recording.signal[:, 0].astype(float)
        rows = []
        for noise in NOISE_DB:
            signal = clean if noise is None else noisy(clean, beats, em, noise)
            started = time.process_time()
            found = detect(signal, detector)
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


def detect(signal: np.ndarray, detector: str) -> np.ndarray:
    """R peaks of one lead by a detector; none where wfdb's find no beat to learn from."""
    if detector == "matched":
        return find_r_peaks(signal)
    try:
        if detector == "sleepecg":
            from sleepecg import detect_heartbeats

            found = detect_heartbeats(signal, FS)
        elif detector == "gqrs":
            found = gqrs_detect(sig=signal, fs=FS)
        else:
            found = xqrs_detect(sig=signal, fs=FS, verbose=False)
    except (IndexError, ValueError):
        found = []
    return settle(signal, filtered(signal), np.sort(np.asarray(found, dtype=np.int64)))


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
