"""Archive and API, killed at any moment: no torn file, no process left, and the next one works."""

import os
import random
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest
import requests

from archive_results import assert_classified
from ecglib.apps.archive.files import finished
from own_python import start_python

KILLS = int(os.environ.get("KILLS", "1"))
pytestmark = pytest.mark.faults


def children(process: subprocess.Popen) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def kill(process: subprocess.Popen) -> None:
    """Kill it and wait until those that it has started are gone, too."""
    left = children(process)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(left, timeout=120)
    assert alive == []


def next_worker(process: subprocess.Popen, other_than: int = 0) -> psutil.Process:
    while process.poll() is None:
        for worker in children(process):
            with suppress(psutil.Error):
                if worker.pid != other_than and "spawn_main" in str(worker.cmdline()):
                    return worker
        time.sleep(0.05)
    raise AssertionError(process.communicate())


@pytest.mark.slow
def test_the_archive_is_killed(recordings: Path, model: Path, tmp_path: Path) -> None:
    out, parts = tmp_path / "R.parquet", tmp_path / "R.parts"
    call = ["-m", "ecglib.archive", str(recordings), "--out", str(out), "--model", str(model)]
    call += ["--workers", "1"]
    (temporary := tmp_path / "temporary").mkdir()
    process = start_python(*call, TMPDIR=str(temporary))
    for count in (1, 2):
        while len(finished(str(parts))) < count:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        if count == 1:
            (first := next_worker(process)).kill()
            next_worker(process, first.pid).kill()  # while it starts
    kill(process)
    rng = random.Random(2)
    for _ in range(KILLS - 1):
        process = start_python(*call, TMPDIR=str(temporary))
        time.sleep(rng.uniform(0, 8))
        for worker in children(process):  # some rounds lose a worker first
            if rng.random() < 0.3 and "spawn_main" in str(worker.cmdline()):
                with suppress(psutil.NoSuchProcess):
                    worker.kill()
                time.sleep(rng.uniform(0, 4))
        kill(process)
        for part in [*parts.rglob("[!.]*.parquet"), *tmp_path.glob("R.parquet")]:
            pd.read_parquet(part)
        if out.exists():  # done: the next round begins anew
            out.unlink()
            shutil.rmtree(parts)
    made = {path: path.stat().st_mtime_ns for path in parts.rglob("[!.]*.parquet")}
    last = start_python(*call, TMPDIR=str(temporary))
    _, error = last.communicate(timeout=600)
    assert last.returncode == 0, error
    assert {path: path.stat().st_mtime_ns for path in made} == made  # nothing is done twice
    assert_classified(out, recordings, model)
    assert [path.name for path in tmp_path.rglob(".*")] == []
    assert [*temporary.glob("ecg-*")] == []


@pytest.mark.slow
def test_the_api_is_killed(recordings: Path, model: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    own = {"ECG_API_PORT": str(port), "ECG_API_MODEL": str(model), "TMPDIR": str(tmp_path)}

    def ready(process: subprocess.Popen) -> None:
        while True:
            assert process.poll() is None, process.communicate()[1]
            with suppress(requests.ConnectionError):
                if requests.get(f"{address}/ready", timeout=60).ok:
                    return
            time.sleep(0.1)

    def send() -> int:
        names = [recordings / f"s01{suffix}" for suffix in (".hea", ".dat")]
        files = [("files", (path.name, path.read_bytes())) for path in names]
        with suppress(requests.RequestException):
            return requests.post(f"{address}/recordings", files=files, timeout=300).status_code
        return 0

    rng = random.Random(3)
    for _ in range(KILLS):
        ready(process := start_python("-m", "ecglib.api", **own))
        answers: list[int] = []
        asking = threading.Thread(target=lambda to=answers: to.append(send()))
        asking.start()
        time.sleep(rng.uniform(0, 4))
        if rng.random() < 0.5:  # the process at work, first; the server gets over it
            for worker in children(process):
                worker.kill()
            asking.join()
            assert answers[0] in (200, 503) and send() == 200
        kill(process)
        asking.join()
    ready(process := start_python("-m", "ecglib.api", **own))
    assert send() == 200
    process.terminate()
    _, error = process.communicate(timeout=120)
    assert "Traceback" not in error, error
    assert [path.name for path in tmp_path.iterdir()] == []
