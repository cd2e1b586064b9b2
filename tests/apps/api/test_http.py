"""The HTTP API and the world: origins, logs, settings, and whatever anybody may send."""

import json
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import schemathesis
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api_requests import LOCAL, ROOT, ROWS, SECRET, assert_problem, csv
from ecglib.apps.api import predict
from ecglib.apps.api.app import create_app
from ecglib.apps.api.command import main
from ecglib.apps.api.http import json_logs
from ecglib.apps.api.settings import Settings
from ecglib.datasets.load import load_beats


def test_web_pages_of_others_get_nothing_computed(client: TestClient) -> None:
    beat = {"signal": ROWS[0].tolist()}
    for headers in (
        {"Host": "evil.example"},  # a name that somebody else's server gives to this machine
        {"Host": "localhost.evil.example:8000"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8888"},
    ):
        assert_problem(client.post("/predict", json=beat, headers=headers), 403, "ECG_API_")
    assert_problem(client.get("/test-samples", headers={"Host": "evil.example"}), 403)
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"):
        own = {"Host": host, "Origin": f"http://{host.lower()}"}
        assert client.post("/predict", json=beat, headers=own).status_code == 200


def test_who_can_be_reached_by_others_has_the_names_that_it_is_given(model: Path) -> None:
    anywhere = Settings(model=model, host="0.0.0.0")
    assert anywhere.known_hosts == [] and "localhost" in Settings(model=model).known_hosts
    named = Settings(model=model, host="0.0.0.0", hosts="ecg.example, localhost")
    with TestClient(create_app(named), base_url="http://ecg.example:8000") as client:
        assert client.get("/health").status_code == 200
        assert_problem(client.get("/health", headers={"Host": "other.example"}), 403)


def test_other_origins_are_strangers_unless_named(model: Path, client: TestClient) -> None:
    page = {"Origin": "https://example.org"}
    assert "access-control-allow-origin" not in client.get("/health", headers=page).headers
    welcoming = create_app(Settings(model=model, origins="https://example.org"))
    with TestClient(welcoming, LOCAL) as open_to:
        beat = {"signal": ROWS[0].tolist()}
        assert open_to.post("/predict", json=beat, headers=page).status_code == 200
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

        monkeypatch.setattr(predict, "predict_values", fail)
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
    code = f"{hide}; from ecglib.apps.api.command import main; sys.exit(main())"
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
