"""The HTTP API and the world: hosts, origins, deadlines, logs, and requests of any form."""

import json
import logging
import socket
import threading
import time
from pathlib import Path

import pytest
import requests
import schemathesis
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api_requests import ROWS, SECRET, assert_problem, csv
from ecglib.apps.api import http, predict
from ecglib.apps.api.app import create_app
from ecglib.apps.api.settings import Settings
from ecglib.datasets.load import load_beats

BEAT = {"signal": ROWS[0].tolist()}


def test_web_pages_of_others_get_nothing_computed(client: TestClient) -> None:
    for headers in (
        {"Host": "evil.example"},  # a name that somebody else's server gives to this machine
        {"Host": "localhost.evil.example:8000"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8888"},
    ):
        assert_problem(client.post("/predict", json=BEAT, headers=headers), 403, "ECG_API_")
    assert_problem(client.get("/test-samples", headers={"Host": "evil.example"}), 403)
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"):
        own = {"Host": host, "Origin": f"http://{host.lower()}"}
        assert client.post("/predict", json=BEAT, headers=own).status_code == 200


def test_named_hosts_and_origins_are_answered(model: Path, client: TestClient) -> None:
    page, other = {"Origin": "https://page.example"}, {"Origin": "https://evil.example"}
    cors = "access-control-allow-origin"
    assert cors not in client.get("/health", headers=page).headers
    options = Settings(model=model, host="0.0.0.0", hosts="ecg.example", origins=page["Origin"])
    with TestClient(create_app(options), base_url="http://ecg.example:8000") as open_to:
        assert_problem(open_to.get("/health", headers={"Host": "other.example"}), 403)
        assert open_to.post("/predict", json=BEAT, headers=page).status_code == 200
        assert open_to.get("/health", headers=page).headers[cors] == page["Origin"]
        assert cors not in open_to.get("/health", headers=other).headers
        preflight = {"Access-Control-Request-Method": "POST"}
        assert open_to.options("/predict", headers=page | preflight).status_code == 200
        assert open_to.options("/predict", headers=other | preflight).status_code == 400


# --- a running server ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(model: Path, recordings: Path):
    """Of a server in a thread, on a free port."""
    app = create_app(Settings(model=model))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    (thread := threading.Thread(target=server.run)).start()
    while not server.started:
        time.sleep(0.05)
    app.state.service._samples = (load_beats("folder", recordings), "a test")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_slow_requests_end(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.5)
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as slow:
        head = f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json"
        slow.sendall(f"{head}\r\nContent-Length: 99\r\n\r\n{{".encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_logs_are_json_without_data_of_requests(address: str, monkeypatch, capsys) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    own = "0123456789abcdef0123456789abcdef"

    def fail(*arguments: object) -> None:
        raise RuntimeError(SECRET)

    try:
        http.json_logs()
        requests.post(f"{address}/predict", json=BEAT, headers={"X-Request-ID": SECRET})
        requests.post(f"{address}/upload-csv", files=csv(ROWS), headers={"X-Request-ID": own})
        requests.request(SECRET, f"{address}/{SECRET}?{SECRET}={SECRET}")
        monkeypatch.setattr(predict, "predict_values", fail)
        answer = requests.post(f"{address}/predict", json=BEAT)
        metrics = requests.get(f"{address}/metrics").text
    finally:
        root.handlers[:], root.level = before
    assert_problem(answer, 500)
    written = capsys.readouterr().err
    assert SECRET not in written and str(ROWS[0, 0]) not in written and SECRET not in metrics
    lines = [json.loads(line) for line in written.splitlines()]
    ours = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in ours[:4]] == [200, 200, 404, 500]
    assert ours[1]["id"] == own and ours[2]["method"] == "other"
    error = next(line for line in lines if line["event"] == "error")
    assert error["exc_info"][0] == "RuntimeError" and "test_http.py" in error["exc_info"][-1]
    assert error["id"] == ours[3]["id"] == answer.headers["x-request-id"]
    assert 'http_requests_total{handler="/predict",method="POST",status="500"}' in metrics
    assert "http_request_duration_seconds_bucket" in metrics


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_it_keeps_to_its_documentation(address: str, mode: GenerationMode) -> None:
    """Requests made up from the documentation, to fit it or not, get answers that it describes."""
    document = schemathesis.openapi.from_url(f"{address}/openapi.json")
    operations = {o.path: o for o in (found.ok() for found in document.get_all_operations())}
    assert len(operations) == 9
    if mode == GenerationMode.NEGATIVE:  # a request without data can't be wrong
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
