"""Bad inputs at every entrance that they can come through: each ends in a sentence of its own.

What came of each stands in outputs/reliability.md, too, see `reliability`.
"""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from demo_fakes import ten_beats
from ecglib.api_app import create_app
from ecglib.api_settings import Settings
from ecglib.archive import main as archive
from ecglib.classifier import Classifier
from ecglib.demo import ClassifierDemo
from reliability import outcome
from test_demo import upload

SIGNAL = "s01.dat 16 200 11 0 0 0 0 I\n"
BEAT = ",".join(["0.5", "1", *["0"] * 185])


def wfdb(header: str = f"s01 1 360 4000\n{SIGNAL}", dat: bytes | None = bytes(8000), **more):
    files = {"s01.hea": header.encode(), "s01.dat": dat, **{f"s01.{k}": v for k, v in more.items()}}
    return {name: content for name, content in files.items() if content is not None}


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.csv", bytes(300_000_000))
    return packed.getvalue()


# By their number in the list of bad inputs: the files, and words of the sentence.
INPUTS: dict[str, tuple[Callable[[], dict[str, bytes]], str]] = {
    "1 an empty file": (lambda: {"a.csv": b""}, "number"),
    "1 a header alone": (lambda: {"a.csv": b"time,mV\n"}, "number"),
    "2 words": (lambda: {"a.csv": b"some;words\nonly;words\n"}, "number"),
    "3 a label of 7": (lambda: {"a.csv": f"{BEAT},7\n".encode()}, "labels|beats"),
    "4 a recording without its rate": (lambda: {"a.csv": b"1\n2\n" * 2000}, "sampling rate"),
    "5 a value that is no number": (lambda: {"a.csv": f"x{BEAT}\n".encode()}, "number"),
    "6 a flat lead": (wfdb, "[Nn]o beats|no ECG|flat"),
    "7 ten million numbers": (lambda: {"a.csv": b"1\n" * 10_100_000}, "5,000,000|limit|too many"),
    "8 a picture called .csv": (lambda: {"a.csv": b"\x89PNG\r\n\x1a\n" + bytes(99)}, "text"),
    "8 a zip bomb": (lambda: {"a.zip": bomb()}, "MB"),
    "8 a damaged zip": (lambda: {"a.zip": b"PK\3\4junk"}, "zip"),
    "9 no .dat": (lambda: wfdb(dat=None), "missing|together|\\.dat"),
    "9 a truncated .dat": (lambda: wfdb(dat=b"short"), "truncated|bytes"),
    "9 a rate of 0": (lambda: wfdb(f"s01 1 0 4000\n{SIGNAL}"), "sampling rate"),
    "9 10^12 samples": (lambda: wfdb(f"s01 1 360 {10**12}\n{SIGNAL}"), "length|promises"),
    "9 a file elsewhere": (lambda: wfdb("s01 1 360 9\n../s01.dat 16 200\n"), "elsewhere"),
    "9 an unknown format": (lambda: wfdb("s01 1 360 9\ns01.dat 999 200\n"), "format"),
    "9 a corrupt .atr": (lambda: wfdb(atr=b"\xff" * 9), "can't be read|complete"),
    "9 an EDF file that lies": (lambda: {"a.edf": b"0       " + b"9" * 300}, "EDF"),
    "9 an ISHNE file that lies": (lambda: {"a.ecg": b"ISHNE1.0" + b"\xff" * 900}, "ISHNE"),
}
IN_ARCHIVES = (".hea", ".edf", ".ecg")  # an archive's recordings; other files are passed over


def ended(name: str, entrance: str, said: str) -> None:
    """Check the sentence and note what came of the input."""
    assert re.search(INPUTS[name][1], said), said
    assert "Traceback" not in said, said
    outcome(f"input {name}", entrance, "handed in", "a sentence")


@pytest.mark.parametrize("name", INPUTS)
def test_classifier(name: str, model: Path, tmp_path: Path) -> None:
    files = INPUTS[name][0]()
    for own, content in files.items():
        (tmp_path / own).write_bytes(content)
    path = tmp_path / min(files, key=lambda own: not own.endswith(".hea"))
    try:
        table = Classifier.load(model).classify_recording(path)
    except ValueError as error:
        ended(name, "Classifier", str(error))
    else:
        assert not len(table) and name.startswith("6 ")
        ended(name, "Classifier", f"no beats; {table.attrs['no_verdict']}")


@pytest.fixture(scope="module")
def client(model: Path):
    with TestClient(create_app(Settings(model=model)), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("name", INPUTS)
def test_api(name: str, client: TestClient) -> None:
    files = INPUTS[name][0]()
    answer = client.post("/recordings", files=[("files", item) for item in files.items()])
    if name.startswith("6 "):
        assert answer.status_code == 200 and answer.json()["summary"]["beats"] == 0
        ended(name, "API", "no beats")
    else:
        assert answer.status_code in (413, 422), answer.text
        ended(name, "API", answer.json()["detail"])
    if "a.csv" in files:
        answer = client.post("/batch-predict-csv", files={"file": ("a.csv", files["a.csv"])})
        assert answer.status_code in (413, 422) and answer.json()["detail"]


@pytest.fixture(scope="module")
def demo(model: Path) -> ClassifierDemo:
    return ClassifierDemo(Classifier.load(model), ten_beats())


@pytest.mark.parametrize("name", INPUTS)
def test_demo(name: str, demo: ClassifierDemo) -> None:
    upload(demo, INPUTS[name][0]())
    if not demo.view.message.value:  # it can be read
        demo.view.own.classify.click()
        demo.wait()
    ended(name, "demo", demo.view.message.value + demo.view.own.understood.value)


def test_archive(model: Path, tmp_path: Path) -> None:
    """All in one: each fails with its sentence, and none keeps the others from being tried."""
    folder, out = tmp_path / "archive", tmp_path / "R.parquet"
    tried = {}
    for number, (name, (make, _)) in enumerate(INPUTS.items()):
        files = make()
        if any(own.endswith(IN_ARCHIVES) for own in files):
            (folder / str(number)).mkdir(parents=True)
            for own, content in files.items():
                (folder / str(number) / own).write_bytes(content)
            tried[f"{number}/{next(iter(files)).partition('.')[0]}"] = name
    call = [str(folder), "--out", str(out), "--model", str(model), "--workers", "1"]
    assert archive(call) == 1
    table = pd.read_csv(tmp_path / "R.recordings.csv", index_col="recording")
    assert set(table.index) == tried.keys()
    for recording, name in tried.items():
        failure = table.loc[recording, "failure"]
        if name.startswith("6 "):
            assert table.loc[recording, "beats"] == 0 and not isinstance(failure, str)
        ended(name, "archive", failure if isinstance(failure, str) else "no beats")


def test_values_that_are_no_beats(model: Path, client: TestClient) -> None:
    """5, 3: what is no row of 187 finite numbers."""
    for row in ([np.nan] * 187, [np.inf] * 187, [1e999] * 187, ["x"] * 187, [0.5] * 500, []):
        with pytest.raises(ValueError, match="finite|number|187"):
            Classifier.load(model).predict_proba(row)
        text = str(row).replace("nan", "NaN").replace("inf", "1e999").replace("'", '"')
        answer = client.post("/predict", content=f'{{"signal": {text}}}')
        assert answer.status_code == 422
    outcome("input 5 values that are no beats", "Classifier", "handed in", "a sentence")
    outcome("input 5 values that are no beats", "API", "handed in", "a sentence")
