"""Speed of classifying archives, with several workers and with killed workers.

    python benchmarks/archive.py --recordings 500

makes that many synthetic recordings of a minute, classifies them with each number of workers, and
writes one line per run to ``benchmarks/results/archive.csv``. The time of an archive with a single
recording is subtracted from seconds and processor seconds. On a busy machine only the processor
seconds are meaningful.
"""

import argparse
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import psutil

from ecglib.apps.archive.files import finished
from ecglib.datasets.synthetic import write_recordings
from ecglib.evaluation.results import keep_benchmark
from ecglib.paths import ROOT

PER_FOLDER = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=500)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    rows, expected = [], None
    with TemporaryDirectory(prefix="ecg-bench-") as place:
        archive, single = Path(place, "archive"), Path(place, "single")
        for number in range(0, options.recordings, PER_FOLDER):
            count = min(PER_FOLDER, options.recordings - number)
            write_recordings(archive / f"{number:04d}", number, count, minutes=1)
        write_recordings(single, 0, 1, minutes=1)
        for workers in options.workers:
            start_s, start_cpu_s, _, _ = classify(single, Path(place), workers, killing=0)
            for killing in (0, max(options.recordings // 10, 1)):
                seconds, cpu_s, kills, beats = classify(archive, Path(place), workers, killing)
                expected = beats if expected is None else expected
                pd.testing.assert_frame_equal(
                    beats, expected, rtol=1e-4
                )  # no beat is lost or doubled
                row = {"workers": workers, "recordings": options.recordings, "kills": kills}
                row |= {"beats": len(beats), "seconds": seconds - start_s}
                row |= {"per_second": options.recordings / (seconds - start_s)}
                if not killing:  # the processor time of killed workers is unknown
                    row |= {"cpu_seconds": cpu_s - start_cpu_s}
                    row |= {"per_cpu_second": options.recordings / (cpu_s - start_cpu_s)}
                rows.append(row | {"load": psutil.getloadavg()[0]})
                print(rows[-1], flush=True)
    keep_benchmark("archive", pd.DataFrame(rows))


def classify(
    folder: Path, place: Path, workers: int, killing: int
) -> tuple[float, float, int, pd.DataFrame]:
    """Seconds, processor seconds, workers killed, and the beats found.

    With ``killing``, a worker is killed each time that this many more recordings are done.
    """
    out, parts = place / "R.parquet", place / "R.parts"
    shutil.rmtree(parts, ignore_errors=True)
    command = [sys.executable, "-m", "ecglib.archive", str(folder), "--out", str(out)]
    started, cpu_s, kills = time.perf_counter(), children_cpu(), 0
    run = subprocess.Popen([*command, "--workers", str(workers)], cwd=ROOT, stdout=-3, stderr=-3)
    while run.poll() is None:
        time.sleep(0.1)
        if killing and len(finished(str(parts))) >= (kills + 1) * killing:
            kills += kill_one(run.pid)
    if run.returncode:
        raise SystemExit(f"The archive's exit code is {run.returncode}.")
    seconds = time.perf_counter() - started
    return seconds, children_cpu() - cpu_s, kills, pd.read_parquet(out)


def kill_one(pid: int) -> bool:
    """Kill a worker of this archive, if one is there."""
    try:
        workers = [p for p in psutil.Process(pid).children() if "spawn_main" in str(p.cmdline())]
        random.choice(workers).kill()
    except (psutil.Error, IndexError):  # it has just ended, or none has started
        return False
    return True


def children_cpu() -> float:
    """Processor seconds of all ended processes that were started here."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
