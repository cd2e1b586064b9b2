"""From file to report: time and memory for half an hour and for a day of ECG.

    python benchmarks/recording_speed.py              half an hour, 6 and 24 hours of two leads

The long recordings are MIT-BIH records in a row, written to a temporary folder. Each is classified
in its own process after the model is loaded; ``benchmarks/results/recording_speed.csv`` has a line
for each. Peak memory includes Python and its libraries; their share is the column ``base_mb``.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from ecglib.datasets.sources import locate
from ecglib.evaluation.results import keep_benchmark
from ecglib.labels import MITDB_RECORDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, nargs="+", default=[0.5, 6, 24])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measure(given.child)))
        return
    folder = locate("auto", None).folder
    rows = []
    for hours in given.hours:
        with tempfile.TemporaryDirectory() as work:
            record = joined(folder, Path(work), round(2 * hours))
            command = [sys.executable, __file__, "--child", str(record)]
            done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
        rows.append({"hours": hours} | json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    keep_benchmark("recording_speed", pd.DataFrame(rows))


def joined(folder: Path, work: Path, n_records: int) -> Path:
    """One WFDB record of several: files of format 212 can be concatenated."""
    with (work / "day.dat").open("wb") as day:
        for name in MITDB_RECORDS[:n_records]:
            day.write((folder / f"{name}.dat").read_bytes())
    leads = "".join(f"day.dat 212 200 11 1024 0 0 0 {lead}\n" for lead in ("MLII", "V1"))
    (work / "day.hea").write_text(f"day 2 360 {650_000 * n_records}\n{leads}", encoding="utf-8")
    return work / "day"


def measure(record: str) -> dict:
    """Classify and summarise one recording."""
    from ecglib import Classifier
    from ecglib.apps.report.events import summarise
    from ecglib.recordings.reading import open_ecg

    classifier = Classifier.load()
    network, predict = [], classifier.predict_proba

    def timed(*arguments):
        started = time.process_time()
        answer = predict(*arguments)
        network.append(time.process_time() - started)
        return answer

    classifier.predict_proba = timed
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    wall, cpu = time.perf_counter(), time.process_time()
    with open_ecg(record) as ecg:
        recording = classifier.classify_opened(ecg)
    summarise(recording)
    return {
        "engine": classifier.engine,
        "beats": len(recording.table),
        "wall_seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "network_cpu_seconds": sum(network),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "base_mb": base,
    }


if __name__ == "__main__":
    main()
