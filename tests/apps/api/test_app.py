"""The HTTP API's addresses: information, beats, and test samples."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api_requests import LABELLED, LOCAL, NAMES, ROWS, SECRET, assert_problem, csv
from ecglib.apps.api import predict
from ecglib.apps.api.app import BEAT_BYTES, create_app
from ecglib.apps.api.settings import Settings
from ecglib.datasets.load import load_beats
from ecglib.datasets.sources import DataSourceError
from ecglib.labels import CLASSES
from ecglib.models.classifier import Classifier


def test_about_and_health(client: TestClient) -> None:
    about = client.get("/").json()
    assert about["model_loaded"] and about["docs"].endswith("/docs")
    assert "not a medical device" in about["note"]
    health = client.get("/health").json()
    assert (health["status"], health["ready"], health["model"]) == ("ok", True, "tiny")
    assert re.fullmatch("[0-9a-f]{64}", health["model_sha256"])
    assert client.get("/ready").status_code == 200


def test_health_without_a_model(tmp_path: Path) -> None:
    """A damaged file is tested with other bad inputs, in tests/faults."""
    with TestClient(create_app(Settings(model=tmp_path / "m.safetensors")), LOCAL) as client:
        health = client.get("/health")
        assert health.status_code == 200
        said = health.json()
        assert (said["status"], said["ready"], said["model_sha256"]) == ("degraded", False, None)
        assert "model file" in said["reason"] and str(tmp_path) not in health.text
        assert not client.get("/").json()["model_loaded"]
        for answer in (
            client.get("/ready"),
            client.get("/test-samples"),
            client.post("/predict", json={"signal": ROWS[0].tolist()}),
            client.post("/upload-csv", files=csv(ROWS)),
        ):
            assert_problem(answer, 503, "no model")
            assert "retry-after" in answer.headers


def test_documentation_needs_no_other_server(client: TestClient) -> None:
    for page in ("/docs", "/redoc"):
        html = client.get(page).text
        sources = re.findall(r'(?:src|href)="([^"]+)"', html)
        assert len(sources) >= 2 and all(source.startswith("/") for source in sources)
        assert all(client.get(source).status_code == 200 for source in sources)
    document = client.get("/openapi.json").json()
    assert document["components"]["schemas"]["Problem"]["required"] == ["title", "status", "detail"]
    assert "422" in document["paths"]["/predict"]["post"]["responses"]


# --- beats --------------------------------------------------------------------------------------


def test_predict(client: TestClient, classifier: Classifier) -> None:
    answer = client.post("/predict", json={"signal": ROWS[0].tolist(), "description": SECRET})
    assert answer.status_code == 200 and SECRET not in answer.text
    said = answer.json()
    proba = classifier.predict_proba(ROWS[0])[0]
    assert np.allclose([said[name] for name in NAMES], proba, atol=1e-5)
    assert said["predicted_class"] == NAMES[proba.argmax()] and said["notes"] == []
    assert said["label"] == CLASSES[proba.argmax()]
    assert said["is_uncertain"] == (said["confidence"] < said["threshold"])


def test_short_beats_are_padded(client: TestClient, classifier: Classifier) -> None:
    said = client.post("/predict", json={"signal": ROWS[0, :100].tolist()}).json()
    proba = classifier.predict_proba(np.pad(ROWS[0, :100], (0, 87)))[0]
    assert np.allclose([said[name] for name in NAMES], proba, atol=1e-5)
    assert said["notes"] == ["Padded with 87 zeros to 187 values."]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"signal": [SECRET] * 50}, 422),
        ({SECRET: 1}, 422),
        ({"signal": [None] * 187}, 422),
        ({"signal": [0.5] * 500}, 422),
        ({"signal": []}, 422),
        (f'{{"signal": [NaN{", 1" * 40}]}}', 422),
        (f'{{"signal": [-1e999{", 1" * 40}]}}', 422),
        (f'{{"signal": [{"9" * 4000}{", 1" * 40}]}}', 422),
        (f'{{"signal": [{"9" * 5000}{", 1" * 40}]}}', 400),
        ("[" * 100_000, 400),
        (f"{{{SECRET}", 422),
    ],
)
def test_unusable_beats(client: TestClient, body: object, status: int) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    answer = client.post("/predict", content=content, headers={"Content-Type": "application/json"})
    assert_problem(answer, status)


def test_first_beat_of_a_file(client: TestClient, classifier: Classifier) -> None:
    answer = client.post("/upload-csv", files=csv(LABELLED[1:]))
    said = answer.json()
    assert answer.status_code == 200 and SECRET not in answer.text
    assert (said["true_label"], said["true_label_id"], said["rows"]) == ("Supraventricular", 1, 5)
    assert said["is_correct"] == (said["label"] == "S")
    assert np.allclose(said["signal_normalized"], ROWS[1], atol=1e-6)
    assert np.allclose(said["signal_raw"], ROWS[1], atol=1e-6)
    assert any("first of 5" in note for note in said["notes"])
    unlabelled = client.post("/upload-csv", files=csv(ROWS[:1])).json()
    assert unlabelled["true_label"] is unlabelled["is_correct"] is None


def test_every_beat_of_a_file(client: TestClient, classifier: Classifier) -> None:
    said = client.post("/batch-predict-csv", files=csv(LABELLED)).json()
    expected = classifier.predict(ROWS)
    assert [row["label"] for row in said["predictions"]] == expected.tolist()
    assert [row["row"] for row in said["predictions"]] == [1, 2, 3, 4, 5, 6]
    right = int((expected == np.array(CLASSES)[LABELLED[:, -1].astype(int)]).sum())
    assert (said["count"], said["correct"], said["accuracy"]) == (6, right, right / 6)
    assert sum(said["counts"].values()) == 6
    unlabelled = client.post("/batch-predict-csv", files=csv(ROWS)).json()
    assert unlabelled["accuracy"] is unlabelled["correct"] is None


@pytest.mark.parametrize("address", ["/upload-csv", "/batch-predict-csv"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        SECRET.encode(),
        f"{SECRET};1;2\n3;4;5".encode(),
        ",".join(["1"] * 100 + [f"{SECRET}'{SECRET}"] + ["1"] * 86).encode(),
        b"\x89PNG" + bytes(200),
        ",".join(["1"] * 187 + ["7"]).encode(),
    ],
)
def test_files_without_beats(client: TestClient, address: str, content: bytes) -> None:
    assert_problem(client.post(address, files={"file": (f"{SECRET}.csv", content)}), 422)


def test_requests_in_other_forms(client: TestClient) -> None:
    assert_problem(client.post("/upload-csv", files={SECRET: b"1"}), 422)
    assert_problem(client.post("/upload-csv", data={"file": SECRET}), 422)
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_problem(client.post("/upload-csv", content=SECRET, headers=broken), 400)
    assert_problem(client.post("/upload-csv", files=[("file", b"1"), ("file", b"2")]), 400)
    assert_problem(client.get(f"/{SECRET}"), 404)
    answer = client.get("/predict")
    assert_problem(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_bodies_are_bounded_while_they_are_read(client: TestClient) -> None:
    """Without a length beforehand, reading ends with the limit, not with the body."""
    sent, answer = 0, []

    async def receive() -> dict:
        nonlocal sent
        sent += 100_000
        return {"type": "http.request", "body": bytes(100_000), "more_body": True}

    async def send(message: dict) -> None:
        answer.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers}
    scope |= {"query_string": b"", "root_path": "", "scheme": "http", "server": ("test", 80)}
    asyncio.run(client.app(scope, receive, send))
    assert answer[0]["status"] == 413 and sent <= BEAT_BYTES + 100_000
    assert_problem(client.post("/predict", content=bytes(BEAT_BYTES + 1)), 413)
    many = b"1\n" * 5002
    assert_problem(client.post("/batch-predict-csv", files={"file": ("a.csv", many)}), 422, "5,000")


# --- test samples -------------------------------------------------------------------------------


@pytest.fixture
def samples(client: TestClient, recordings: Path, monkeypatch: pytest.MonkeyPatch):
    beats = load_beats("folder", recordings)
    monkeypatch.setattr(client.app.state.service, "_samples", (beats, "a test"))
    return beats


def test_samples(client: TestClient, samples, classifier: Classifier) -> None:
    first = client.get("/test-samples?count=7&seed=3").json()
    assert (first["count"], len(first["samples"]), first["source"]) == (7, 7, "a test")
    assert first == client.get("/test-samples?count=7&seed=3").json()
    assert first != client.get("/test-samples?count=7&seed=4").json()
    assert len({sample["index"] for sample in first["samples"]}) == 7
    for sample in first["samples"]:
        beat = samples[sample["index"]]
        assert np.allclose(sample["signal_normalized"], beat.signal[0], atol=1e-6)
        assert sample["true_label_id"] == beat.label[0] and sample["record"] == beat.record[0]
        assert sample["label"] == classifier.predict(beat.signal)[0]
    ventricular = client.get("/test-samples", params={"class": "V", "count": 100}).json()
    assert {sample["true_label"] for sample in ventricular["samples"]} == {"Ventricular"}
    assert ventricular["count"] == min(100, int((samples.label == 2).sum()))


def test_samples_are_marked_as_synthetic(monkeypatch: pytest.MonkeyPatch, recordings) -> None:
    def only_synthetic(source: str, root: object = None):
        if source != "synthetic":
            raise DataSourceError("none")
        return replace(load_beats("folder", recordings), source="synthetic")

    monkeypatch.setattr(predict, "load_beats", only_synthetic)
    beats, source = predict.load_test_beats()
    assert beats.synthetic and "SYNTHETIC" in source


@pytest.mark.data
def test_samples_are_of_the_published_split(mitdb: Path, monkeypatch) -> None:
    monkeypatch.setenv("ECG_DATA", str(mitdb.parent))
    beats, source = predict.load_test_beats()
    assert len(beats) == 21_892 and "published" in source
