"""What the project must not do: run code that it loads, or reveal secrets.

Most of the first is checked by ruff: its security rules and the modules banned in pyproject.toml.
"""

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from ecglib.batch import parameters
from ecglib.datasets import kaggle
from ecglib.paths import ROOT
from repository import tracked_texts


def test_no_loader_is_told_to_unpickle() -> None:
    """NumPy and torch refuse pickles unless they are told otherwise."""
    unsafe = re.compile(r"allow_pickle=True|weights_only=False|\.(read|to)_pickle\(")
    texts = {n: t for n, t in tracked_texts() if n.endswith((".py", ".ipynb")) and n[:5] != "tests"}
    assert "ecglib/paths.py" in texts
    assert [name for name, text in texts.items() if unsafe.search(text)] == []


# --- secrets -------------------------------------------------------------------------------------


def test_no_parameter_asks_for_a_secret() -> None:
    """Parameters are printed, and kept in run.json and in the executed notebooks."""
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for name in parameters.inspect(path):
            assert not re.search(r"token|secret|password|credential|api_?key|user", name), path


@pytest.mark.parametrize("place", ["KAGGLE_KEY", "KAGGLE_API_TOKEN", "kaggle.json", "access_token"])
def test_kaggles_keys_are_not_in_messages(tmp_path, monkeypatch, capsys, place) -> None:
    secret = "0123456789abcdef" * 2
    for name in ("KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    if place.isupper():
        monkeypatch.setenv(place, secret)
    elif place == "kaggle.json":
        content = {"username": "ann", "key": secret}
        (tmp_path / place).write_text(json.dumps(content), encoding="utf-8")
    else:
        (tmp_path / place).write_text(secret + "\n", encoding="utf-8")

    def refused() -> Path:
        print(f"using {secret}")
        raise RuntimeError(f"401 for Authorization: Bearer {secret}")

    monkeypatch.setattr(kaggle, "_with_kagglehub", refused)
    monkeypatch.setattr(kaggle, "_with_kaggle", refused)
    with pytest.raises(kaggle.KaggleError, match="401 for") as error:
        kaggle.download()
    assert secret not in str(error.value) + "".join(capsys.readouterr())


# --- the audit -----------------------------------------------------------------------------------


def test_the_audit_tells_a_clean_answer_from_none() -> None:
    spec = spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
    audit = module_from_spec(spec)
    spec.loader.exec_module(audit)
    hole = {"id": "PYSEC-1", "aliases": ["CVE-2"], "fix_versions": ["2.0"]}
    clean = {"name": "a", "version": "1.0", "vulns": []}
    assert audit.judge([{"name": "a", "skip_reason": "not found on the index"}]) == (0, [])
    assert audit.judge([clean]) == (1, [])
    found = audit.judge([clean, clean | {"vulns": [hole]}])
    assert found == (2, ["  a 1.0: PYSEC-1, fixed in 2.0"])
    audit.ACCEPTED["CVE-2"] = "the function is not called"
    assert audit.judge([clean | {"vulns": [hole]}]) == (1, [])
    assert all(len(reason) > 10 for reason in audit.ACCEPTED.values())
