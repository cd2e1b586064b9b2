"""The HTTP API: every address, what it refuses and how, and that it answers while it works."""

import asyncio
import json
import logging
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import schemathesis
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ecglib.api import main, service, work
from ecglib.api.app import BEAT_BYTES, create_app
from ecglib.api.http import json_logs
from ecglib.api.settings import Settings
from ecglib.beats import load_beats
from ecglib.classifier import Classifier
from ecglib.labels import CLASS_NAMES, CLASSES
from ecglib.recordings import read_recording
from ecglib.sources import DataSourceError
from ecglib.synthetic import write_recordings
from reliability import tried

ROOT = Path(__file__).resolve().parents[1]
NAMES = [CLASS_NAMES[letter] for letter in CLASSES]
ROWS = np.round(np.random.default_rng(0).random((6, 187)), 4)
LABELLED = np.column_stack([ROWS, [0, 1, 2, 3, 4, 0]])
SECRET = "Tr0ub4dor"  # put into everything that is sent, and never to be seen again


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recordings(tmp_path_factory.mktemp("r") / "s", n_records=4, minutes=1)


@pytest.fixture(scope="module")
def client(model: Path):
    with TestClient(create_app(Settings(model=model)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def classifier(model: Path) -> Classifier:
    return Classifier.load(model)


def csv(rows: np.ndarray) -> dict:
    text = "\n".join(",".join(map(str, row)) for row in rows)
    return {"file": (f"{SECRET}.csv", text.encode())}


def wfdb_files(folder: Path, name: str = "s01") -> list:
    return [
        ("files", (f"{name}{s}", (folder / f"{name}{s}").read_bytes())) for s in (".hea", ".dat")
    ]


def assert_problem(response, status: int, words: str = "") -> None:
    """An RFC 9457 answer that says why and repeats nothing."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail"} <= problem.keys() and problem["status"] == status
    assert problem["detail"] and words in response.text
    assert SECRET not in response.text


# --- what it says of itself ---------------------------------------------------------------------


def test_it_says_what_it_is(client: TestClient) -> None:
    about = client.get("/").json()
    assert about["model_loaded"] and about["docs"].endswith("/docs")
    assert "not a medical device" in about["note"]
    health = client.get("/health").json()
    assert (health["status"], health["ready"], health["model"]) == ("ok", True, "tiny")
    assert re.fullmatch("[0-9a-f]{64}", health["model_sha256"])
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize("content", [None, b"no model"])
def test_health_tells_the_truth_without_a_model(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    if content:
        path.write_bytes(content)
    with TestClient(create_app(Settings(model=path))) as client:
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


def test_metrics_name_routes_and_no_paths(client: TestClient) -> None:
    client.get(f"/{SECRET}")
    client.post("/predict", json={"signal": ROWS[0].tolist()})
    text = client.get("/metrics").text
    assert 'http_requests_total{method="POST",route="/predict",status="200"}' in text
    assert "http_seconds_bucket" in text and SECRET not in text


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


def test_short_and_unscaled_beats(client: TestClient, classifier: Classifier) -> None:
    said = client.post("/predict", json={"signal": ROWS[0, :100].tolist()}).json()
    proba = classifier.predict_proba(np.pad(ROWS[0, :100], (0, 87)))[0]
    assert np.allclose([said[name] for name in NAMES], proba, atol=1e-5)
    assert "87" in said["notes"][0] or "100" in said["notes"][0]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"signal": [SECRET] * 50}, 422),
        ({"signal": [0.5] * 500}, 422),
        ({"signal": []}, 422),
        ({"signal": None}, 422),
        ({SECRET: 1}, 422),
        ([SECRET], 422),
        (f'{{"signal": [NaN{", 1" * 40}]}}', 422),
        (f'{{"signal": [1e999{", 1" * 40}]}}', 422),
        (f'{{"signal": [{"9" * 4000}{", 1" * 40}]}}', 422),
        (f'{{"signal": [{"9" * 5000}{", 1" * 40}]}}', 400),
        ("[" * 100_000, 400),
        (f"{{{SECRET}", 422),
    ],
)
def test_beats_that_are_none(client: TestClient, body: object, status: int) -> None:
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
        ",".join(["1"] * 100 + [SECRET] + ["1"] * 86).encode(),
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

    kind = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": kind}
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


@pytest.mark.parametrize("query", ["count=0", "count=101", "count=x", "seed=-1", "class=X"])
def test_samples_that_cannot_be(client: TestClient, samples, query: str) -> None:
    assert_problem(client.get(f"/test-samples?{query}"), 422, query.partition("=")[0])


def test_samples_say_that_they_are_synthetic(monkeypatch: pytest.MonkeyPatch, recordings) -> None:
    def only_synthetic(source: str, root: object = None):
        if source != "synthetic":
            raise DataSourceError("none")
        return replace(load_beats("folder", recordings), source="synthetic")

    monkeypatch.setattr(work, "load_beats", only_synthetic)
    beats, source = work.load_test_beats()
    assert beats.synthetic and "SYNTHETIC" in source


@pytest.mark.data
def test_samples_are_of_the_published_split(mitdb: Path, monkeypatch) -> None:
    monkeypatch.setenv("ECG_DATA", str(mitdb.parent))
    beats, source = work.load_test_beats()
    assert len(beats) == 21_892 and "published" in source


# --- recordings ---------------------------------------------------------------------------------


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
    assert sum(summary["counts"].values()) + summary["no_verdict"] == len(expected)
    assert 40 < summary["mean_heart_rate_bpm"] < 120
    brief = client.post(
        "/recordings", files=wfdb_files(recordings), data={"table": "false", "lead": 1}
    ).json()
    assert brief["beats"] is None and brief["summary"]["lead"] == "V5"


def test_recording_as_text(client: TestClient, recordings: Path) -> None:
    pytest.importorskip("ecglib.readers")
    signal = read_recording(recordings / "s01").signal
    text = "\n".join(f"{a:.3f},{b:.3f}" for a, b in signal).encode()
    file = [("files", (f"{SECRET}.csv", text))]
    said = client.post("/recordings", files=file, data={"fs": 360}).json()
    whole = client.post("/recordings", files=wfdb_files(recordings)).json()
    assert abs(said["summary"]["beats"] - whole["summary"]["beats"]) <= 1
    assert_problem(client.post("/recordings", files=file), 422, "sampling rate")


@pytest.mark.parametrize(
    ("files", "data"),
    [
        ([("s01.hea", b"s01 1 360 1000\ns01.dat 212\n")], {}),
        ([("s01.hea", SECRET.encode()), ("s01.dat", b"")], {}),
        ([("s01.hea", f"s01 1 360 9\n/etc/{SECRET}.dat 212\n".encode()), ("s01.dat", b"")], {}),
        ([("s01.hea", b"s01 1 360 9\n../s01.dat 212\n"), ("s01.dat", b"")], {}),
        ([("../s01.hea", b"")], {}),
        ([(f"{SECRET}/s01.hea", b"")], {}),
        ([(f"{SECRET}.exe", b"")], {}),
        ([(f"{SECRET}.csv", SECRET.encode())], {}),
        ([(f"{SECRET}.edf", SECRET.encode())], {}),
        ([(f"{SECRET}.zip", b"PK\x03\x04" + SECRET.encode())], {}),
        ([(f"{SECRET}.hea", b""), (f"{SECRET}.dat", b"")], {}),
        ([("s01.hea", b""), ("s01.hea", b"")], {}),
        ([("s01.hea", None), ("s01.dat", None)], {"lead": "7"}),
        ([("s01.hea", None), ("s01.dat", None)], {"fs": "0"}),
        ([("s01.hea", None), ("s01.dat", None)], {"fs": SECRET}),
    ],
)
def test_recordings_that_are_none(
    client: TestClient, recordings: Path, files: list, data: dict
) -> None:
    """None stands for the content of a good file."""
    content = [(n, (recordings / n).read_bytes() if c is None else c) for n, c in files]
    sent = [("files", (n, c)) for n, c in content]
    assert_problem(client.post("/recordings", files=sent, data=data), 422)


@tried("17 the process at work dies", "API", outcome="a sentence, then the next answer")
def test_a_process_that_dies_is_replaced(
    client: TestClient, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(work, "classify_files", die)
        assert_problem(client.post("/recordings", files=wfdb_files(recordings)), 503, "has died")
    assert client.post("/recordings", files=wfdb_files(recordings)).status_code == 200


def test_a_process_that_died_of_something_else_is_not_noticed(
    client: TestClient, recordings: Path
) -> None:
    assert client.post("/recordings", files=wfdb_files(recordings)).status_code == 200
    for process in multiprocessing.active_children():
        process.kill()
    assert client.post("/recordings", files=wfdb_files(recordings)).status_code == 200


def die(*arguments: object) -> None:
    os._exit(1)


# --- many at a time -----------------------------------------------------------------------------


@tried("18 more requests than workers", "API", outcome="a sentence, others go on")
def test_full_is_said_and_does_not_stop_the_rest(
    model: Path, recordings: Path, monkeypatch
) -> None:
    """With every place for recordings taken, others are refused and beats are still answered."""
    go_on, started = threading.Event(), threading.Event()

    async def slow(self, function, *arguments):
        started.set()
        while not go_on.is_set():
            await asyncio.sleep(0.01)
        return b"{}"

    monkeypatch.setattr(service.Service, "compute", slow)
    with TestClient(create_app(Settings(model=model, queue=1))) as client:
        answers = []

        def send() -> None:
            answers.append(client.post("/recordings", files=wfdb_files(recordings)))

        (first := threading.Thread(target=send)).start()
        assert started.wait(30)
        refused = client.post("/recordings", files=wfdb_files(recordings))
        assert_problem(refused, 503, "Try again")
        assert int(refused.headers["retry-after"]) > 0
        assert client.post("/predict", json={"signal": ROWS[0].tolist()}).status_code == 200
        go_on.set()
        first.join(30)
        assert answers[0].status_code == 200


# --- the outside --------------------------------------------------------------------------------


def test_other_origins_are_strangers_unless_named(model: Path, client: TestClient) -> None:
    page = {"Origin": "https://example.org"}
    assert "access-control-allow-origin" not in client.get("/health", headers=page).headers
    with TestClient(create_app(Settings(model=model, origins="https://example.org"))) as open_to:
        headers = open_to.get("/health", headers=page).headers
        assert headers["access-control-allow-origin"] == "https://example.org"
        other = open_to.get("/health", headers={"Origin": "https://evil.example"}).headers
        assert "access-control-allow-origin" not in other


def test_logs_are_json_without_what_was_sent(
    client: TestClient, monkeypatch, capsys: pytest.CaptureFixture
) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        json_logs()
        client.post("/predict", json={"signal": ROWS[0].tolist(), "description": SECRET})
        client.post("/upload-csv", files=csv(ROWS))
        client.get(f"/{SECRET}?{SECRET}={SECRET}")

        def fail(*arguments: object) -> None:
            raise RuntimeError(SECRET)

        monkeypatch.setattr(work, "predict_values", fail)
        answer = client.post("/predict", json={"signal": ROWS[0].tolist()})
        assert_problem(answer, 500)
    finally:
        root.handlers[:], root.level = before
    written = capsys.readouterr().err
    lines = [json.loads(line) for line in written.splitlines()]
    ours = [line for line in lines if line["logger"] == "ecglib.api"]
    assert [line["status"] for line in ours if line["event"] == "request"] == [200, 200, 404, 500]
    error = next(line for line in ours if line["event"] == "error")
    assert error["kind"] == "RuntimeError" and error["id"] == answer.headers["x-request-id"]
    assert not [line for line in ours if SECRET in str(line) or str(ROWS[0, 0]) in str(line)]


def test_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert Settings.from_environment().host == "127.0.0.1"
    monkeypatch.setenv("ECG_API_PORT", "8080")
    assert Settings.from_environment().port == 8080
    monkeypatch.setenv("ECG_API_PORT", "high")
    assert main() == 2
    assert capsys.readouterr().err.startswith("ECG_API_PORT: ")


def test_settings_need_no_extra() -> None:
    hide = "import sys; sys.modules.update(dict.fromkeys(['fastapi', 'uvicorn']))"
    code = f"{hide}; from ecglib.api import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "pip install -e '.[api]'" in done.stderr


# --- whatever anybody may send ------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(model: Path, recordings: Path):
    """Of a server in a thread, on a free port."""
    app = create_app(Settings(model=model))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    (thread := threading.Thread(target=server.run)).start()
    while not server.started:
        time.sleep(0.05)
    app.state.service._samples = (load_beats("folder", recordings), "a test")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_it_keeps_to_its_documentation(address: str, mode: GenerationMode) -> None:
    """Requests made up from the documentation, to fit it or not, get answers that it describes."""
    document = schemathesis.openapi.from_url(f"{address}/openapi.json")
    operations = {o.path: o for o in (found.ok() for found in document.get_all_operations())}
    assert len(operations) == 9
    if mode == GenerationMode.NEGATIVE:  # nothing to get wrong where nothing is sent
        for path in ("/", "/health", "/ready", "/metrics"):
            del operations[path]
    for path, operation in operations.items():
        # A file of the documented form may still hold no beats, which no schema can say.
        files = path in ("/upload-csv", "/batch-predict-csv", "/recordings")
        excluded = [positive_data_acceptance] if files else []

        @settings(max_examples=15, deadline=None, derandomize=True, database=None)
        @given(operation.as_strategy(generation_mode=mode))
        def answers_as_documented(case: schemathesis.Case) -> None:
            case.call_and_validate(excluded_checks=excluded, timeout=60)  # noqa: B023

        answers_as_documented()
