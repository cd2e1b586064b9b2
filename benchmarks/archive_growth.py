"""Overhead of an archive besides classifying: listing, handing out, combining.

    python benchmarks/archive_growth.py --recordings 10000

Each step is a line of ``benchmarks/results/archive_growth.csv``, in processor seconds. They grow in
proportion to the number of recordings, so a million takes 1,000,000 / per_second.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

from ecglib.apps.archive.combine import put_together
from ecglib.apps.archive.command import in_any_order
from ecglib.apps.archive.files import Entry, atomic_open, find_recordings, finished, part
from ecglib.apps.archive.worker import compact
from ecglib.evaluation.results import keep_benchmark
from ecglib.labels import CLASSES

BEATS = 2200  # in half an hour


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=10_000)
    count = parser.parse_args().recordings
    rows = []

    def note(step: str, recordings: int, started: float, size: int = 0) -> None:
        seconds = time.process_time() - started
        row = {"step": step, "recordings": recordings, "cpu_seconds": seconds}
        rows.append(row | {"per_second": recordings / seconds, "bytes_each": size / recordings})
        print(rows[-1], flush=True)

    with TemporaryDirectory(prefix="ecg-bench-") as place:
        folder, parts = Path(place, "archive"), f"{place}/R.parts"
        for number in range(count):
            home = folder / f"{number // 1000:04d}"
            home.mkdir(parents=True, exist_ok=True)
            for suffix in (".hea", ".dat"):
                (home / f"{number:07d}{suffix}").touch()
        started = time.process_time()
        entries = find_recordings(str(folder), "a model")
        note("list", count, started)

        some = entries[: count // 10]
        # The only worker is a thread of this process, so the scheduler's time remains.
        with (
            LocalCluster(
                n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
            ) as cluster,
            Client(cluster) as client,
        ):

            def submit(entry: Entry, **settings: object):
                return client.submit(nothing, entry, **settings)

            started = time.process_time()
            assert sum(1 for _ in in_any_order(some, submit)) == len(some)
            note("hand out", len(some), started)

        for seed, entry in enumerate(some):
            with atomic_open(part(parts, entry.key)) as file:
                compact(half_an_hour(seed), entry.name).to_parquet(file, index=False)
        started = time.process_time()
        assert len(finished(parts)) == len(some)
        out = Path(place, "R.parquet")
        put_together(some, {}, parts, str(out), "")
        note("put together", len(some), started, out.stat().st_size)
    keep_benchmark("archive_growth", pd.DataFrame(rows))


def nothing(entry: Entry) -> None:
    """In place of classifying."""


def half_an_hour(seed: int) -> pd.DataFrame:
    """A table like those of `Classifier.classify_recording`."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet([8, 1, 1, 1, 1], BEATS)
    sample = np.cumsum(rng.integers(250, 350, BEATS))
    return pd.DataFrame(
        {
            "time_s": sample / 360,
            "sample": sample,
            "label": np.array(CLASSES)[proba.argmax(axis=1)],
            "confidence": proba.max(axis=1),
            **{f"p_{name}": proba[:, k] for k, name in enumerate(CLASSES)},
            "uncertain": proba.max(axis=1) < 0.7,
        }
    )


if __name__ == "__main__":
    main()
