"""The HTTP API: files, classified in other processes, while the server answers."""

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api_requests import LOCAL, ROWS, SECRET, assert_problem, wfdb_files
from bad_files import zipped
from ecglib.apps.api import predict, service
from ecglib.apps.api.app import create_app
from ecglib.apps.api.schemas import Refused
from ecglib.apps.api.settings import Settings
from ecglib.models.classifier import Classifier
from ecglib.recordings.wfdb import read_recording


def test_recording(client: TestClient, recordings: Path, classifier: Classifier) -> None:
    answer = client.post("/recordings", files=wfdb_files(recordings))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    expected = classifier.classify_recording(recordings / "s01")
    assert said["beats"]["label"] == expected["label"].tolist()
    assert said["beats"]["sample"] == expected["sample"].tolist()
    assert np.allclose(said["beats"]["probability"]["V"], expected["p_V"], atol=1e-3)
    summary = said["summary"]
    assert (summary["fs"], summary["duration_s"], summary["lead"]) == (360, 60, "MLII")
    assert summary["beats"] == len(expected)
    assert sum(summary["counts"].values()) + summary["unreadable"] == len(expected)
    assert 40 < summary["mean_heart_rate_bpm"] < 120
    brief = client.post(
        "/recordings", files=wfdb_files(recordings), data={"table": "false", "lead": 1}
    ).json()
    assert brief["beats"] is None and brief["summary"]["lead"] == "V5"


@pytest.mark.parametrize("name", [f"{SECRET}.csv", "REC 001.CSV", "März.txt", "a.b.c.tsv"])
def test_text_files_may_have_any_name(client: TestClient, recordings: Path, name: str) -> None:
    text = "\n".join(f"{a:.3f},{b:.3f}" for a, b in read_recording(recordings / "s01").signal)
    file = [("files", (name, text.encode()))]
    said = client.post("/recordings", files=file, data={"fs": 360}).json()
    assert said["summary"]["beats"] > 40
    assert_problem(client.post("/recordings", files=file), 422, "sampling rate")


@pytest.mark.parametrize(
    ("files", "data"),
    [
        ([("s01.hea", b"s01 1 360 1000\ns01.dat 212\n")], {}),
        ([("s01.hea", SECRET.encode()), ("s01.dat", b"")], {}),
        ([("s01.hea", f"s01 1 360 9\n/etc/{SECRET}.dat 212\n".encode()), ("s01.dat", b"")], {}),
        ([("s01.hea", b"s01 1 360 9\n../s01.dat 212\n"), ("s01.dat", b"")], {}),
        ([("../s01.hea", b"")], {}),
        ([(f"{SECRET}.exe", b"")], {}),
        ([(f"{SECRET}.csv", SECRET.encode())], {}),
        ([(f"{SECRET}.zip", b"PK\x03\x04" + SECRET.encode())], {}),
        ([(f"{SECRET}.hea", b""), (f"{SECRET}.dat", b"")], {}),
        ([("s01.hea", b""), ("s01.hea", b"")], {}),
        ([("s01.hea", f"s01 1 360 9\n{SECRET}.dat 212\n".encode()), ("s01.dat", b"")], {}),
        ([("s01.hea", f"s01 1 360 9\ns01.dat {SECRET}\n".encode()), ("s01.dat", b"")], {}),
        ([("a.zip", zipped((f"{SECRET}.hea", b""), (f"a/{SECRET}-2.hea", b"")))], {}),
        ([("a.zip", zipped((f"{SECRET}.edf", b"0       "), ("b.txt", b"no")))], {}),
        ([("a.zip", zipped((f"{SECRET}.csv", b"1\n2\n" * 500)))], {}),
        ([("a.zip", zipped((f"{SECRET}.csv", b"1")).replace(b"PK\1\2", b"PX\1\2"))], {}),
        ([("s01.hea", None), ("s01.dat", None)], {"lead": "7"}),
        ([("s01.hea", None), ("s01.dat", None)], {"fs": SECRET}),
    ],
)
def test_unusable_recordings(client: TestClient, recordings: Path, files: list, data: dict) -> None:
    """None stands for the content of a good file."""
    content = [(n, (recordings / n).read_bytes() if c is None else c) for n, c in files]
    sent = [("files", (n, c)) for n, c in content]
    assert_problem(client.post("/recordings", files=sent, data=data), 422)


def test_processes_that_die_are_replaced(client: TestClient, recordings: Path, monkeypatch) -> None:
    files = wfdb_files(recordings)
    with monkeypatch.context() as patch:
        patch.setattr(predict, "classify_files", die)
        assert_problem(client.post("/recordings", files=files), 503, "has died")
    assert client.post("/recordings", files=files).status_code == 200
    for process in multiprocessing.active_children():
        process.kill()
    assert client.post("/recordings", files=files).status_code == 200


def test_leads_are_not_named_in_errors(client: TestClient) -> None:
    rows = "\n".join(f"{k % 7}.5,{k % 5}.5" for k in range(900))
    files = [("files", ("a.csv", f"{SECRET},II\n{rows}".encode()))]
    answer = client.post("/recordings", files=files, data={"lead": 5, "fs": 360})
    assert_problem(answer, 422, "There is no lead 5 in sent; it has 2, counted from 0.")


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs POSIX")
def test_a_file_takes_no_longer_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SimpleNamespace(classify_file=lambda *_: time.sleep(5))
    monkeypatch.setattr(predict, "_classifier", slow, raising=False)
    with pytest.raises(Refused) as refused:
        predict.classify_files(Path("a"), None, 0, True, 1)
    assert "takes longer than 1 s" in refused.value.detail and signal.alarm(0) == 0


def die(*arguments: object) -> None:
    os._exit(1)


def test_full_slots_do_not_stop_other_requests(model: Path, recordings: Path, monkeypatch) -> None:
    go_on, started = threading.Event(), threading.Event()

    async def slow(self, function, *arguments):
        started.set()
        await asyncio.to_thread(go_on.wait)
        return b"{}"

    monkeypatch.setattr(service.Service, "compute", slow)
    files = wfdb_files(recordings)
    with (
        TestClient(create_app(Settings(model=model, queue=1)), LOCAL) as client,
        ThreadPoolExecutor() as pool,
    ):
        first = pool.submit(client.post, "/recordings", files=files)
        assert started.wait(30)
        refused = client.post("/recordings", files=files)
        assert_problem(refused, 503, "Try again")
        assert int(refused.headers["retry-after"]) > 0
        assert client.post("/predict", json={"signal": ROWS[0].tolist()}).status_code == 200
        go_on.set()
        assert first.result(30).status_code == 200
