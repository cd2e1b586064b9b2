"""Starting the HTTP API: settings, and messages if something is missing."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from ecglib.apps.api.command import main
from ecglib.apps.api.settings import Settings
from own_python import run_python


def test_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert Settings.from_environment().host == "127.0.0.1"
    monkeypatch.setenv("ECG_API_PORT", "8080")
    monkeypatch.setenv("ECG_API_ORIGINS", "https://a.example, https://b.example,")
    assert Settings.from_environment().port == 8080
    assert Settings.from_environment().origins == ("https://a.example", "https://b.example")
    monkeypatch.setenv("ECG_API_PORT", "high")
    assert main() == 2
    assert capsys.readouterr().err.startswith("ECG_API_PORT: ")


def test_known_hosts(model: Path) -> None:
    assert "localhost" in Settings(model=model).known_hosts
    assert Settings(model=model, host="0.0.0.0").known_hosts == ["*"]
    assert Settings(hosts="ecg.example, *.ward").known_hosts == ["ecg.example", "*.ward"]
    with pytest.raises(ValidationError):
        Settings(hosts="ecg*")


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "pydantic"])
def test_a_missing_package_is_named(missing: str) -> None:
    code = f"import sys; sys.modules['{missing}'] = None"
    code += "; from ecglib.apps.api.command import main; sys.exit(main())"
    status, _, error = run_python("-c", code)
    assert status == 2 and "pip install -e '.[api]'" in error
