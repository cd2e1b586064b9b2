"""Bad inputs to the library, the API, the demo and an archive: each ends in its own sentence."""

import re
from pathlib import Path

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api_requests import LOCAL
from bad_files import BEAT, INPUTS
from demo_fakes import FakeClassifier, ten_beats, upload
from ecglib.apps.api.app import create_app
from ecglib.apps.api.settings import Settings
from ecglib.apps.archive.command import main as archive
from ecglib.apps.demo.page import ClassifierDemo
from ecglib.models.classifier import Classifier
from ecglib.models.knn import predict_proba, published_knn
from foreign_models import FOREIGN, foreign
from tiny_training import save_tiny

pytestmark = pytest.mark.faults

IN_ARCHIVES = (".hea", ".edf", ".ecg")  # an archive's recordings; other files are passed over


def check(name: str, said: str) -> None:
    """The input ended in its sentence."""
    assert re.search(INPUTS[name][1], said) and "Traceback" not in said, said


@pytest.mark.parametrize("name", INPUTS)
def test_library(name: str, model: Path, tmp_path: Path) -> None:
    files = INPUTS[name][0]()
    for own, content in files.items():
        (tmp_path / own).write_bytes(content)
    path = tmp_path / min(files, key=lambda own: not own.endswith(".hea"))
    try:
        recording = Classifier.load(model).classify_file(path)
    except ValueError as error:
        check(name, str(error))
    else:
        assert recording.table.empty and name.startswith("6 ")
        check(name, f"no beats; {recording.unreadable}")


@pytest.mark.parametrize("name", INPUTS)
def test_api(name: str, client: TestClient) -> None:
    files = INPUTS[name][0]()
    answer = client.post("/recordings", files=[("files", item) for item in files.items()])
    if name.startswith("6 "):
        assert answer.status_code == 200 and answer.json()["summary"]["beats"] == 0
        check(name, "no beats")
    else:
        assert answer.status_code in (413, 422), answer.text
        check(name, answer.json()["detail"])
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
    check(name, demo.view.message.value + demo.view.own.understood.value)


def test_archive(model: Path, tmp_path: Path) -> None:
    """All in one: each fails with its own sentence, and the others are still read."""
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
        check(name, failure if isinstance(failure, str) else "no beats")


# --- 11: files that are not models ---------------------------------------------------------------


@pytest.fixture(params=FOREIGN)
def how(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def no_model(how: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file that is not a usable model; loading it must not make the folder ``exploded``."""
    monkeypatch.chdir(tmp_path)
    foreign(path := tmp_path / "foreign.safetensors", how, model)
    yield path
    assert not (tmp_path / "exploded").exists()


def test_no_model_for_the_demo(how: str, no_model: Path) -> None:
    demo = ClassifierDemo(FakeClassifier(), ten_beats(), models={"foreign": no_model})
    demo.view.model.value = "foreign"
    assert "03_cnn_lstm_training" in demo.view.message.value
    demo.view.next.click()  # with the model from before
    assert "Beat 2 of 10" in demo.view.position.value


def test_no_model_for_the_api(how: str, no_model: Path) -> None:
    with TestClient(create_app(Settings(model=no_model)), LOCAL) as client:
        health = client.get("/health").json()
        assert health["status"] == "degraded" and "model file" in health["reason"]
        assert client.get("/ready").status_code == 503


def test_no_model_for_an_archive(how: str, no_model: Path, capsys: pytest.CaptureFixture) -> None:
    call = [str(no_model.parent), "--out", str(no_model.with_name("R.parquet"))]
    assert archive([*call, "--model", str(no_model)]) == 2
    assert "03_cnn_lstm_training" in capsys.readouterr().err


def test_a_model_that_is_replaced_while_it_is_used(tmp_path: Path) -> None:
    path = save_tiny(tmp_path / "m.safetensors", seed=0)
    beats = ten_beats().signal
    used = Classifier.load(path)
    before = used.predict_proba(beats)
    save_tiny(path, seed=1)
    assert (used.predict_proba(beats) == before).all()
    assert (Classifier.load(path).predict_proba(beats) != before).any()


# --- 20: too few of a kind -----------------------------------------------------------------------


def test_fewer_training_beats_than_neighbours() -> None:
    beats = ten_beats()
    model = published_knn().fit(beats.signal[:2], beats.label[:2])
    with pytest.raises(ValueError, match="2 training beats are too few for 5 neighbours"):
        predict_proba(model, beats.signal)


def test_beats_of_one_class(client: TestClient) -> None:
    rows = f"{BEAT},1\n" * 3
    said = client.post("/batch-predict-csv", files={"file": ("a.csv", rows.encode())}).json()
    assert said["count"] == 3 and 0 <= said["accuracy"] <= 1 and sum(said["counts"].values()) == 3


def test_one_class_in_the_demo(demo: ClassifierDemo) -> None:
    upload(demo, {"a.csv": f"{BEAT},1\n".encode() * 3})
    demo.view.own.classify.click()
    demo.wait()
    assert "Traceback" not in demo.view.message.value and not demo.view.message.value
