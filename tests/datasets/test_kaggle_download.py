"""Kaggle's files through either of its two packages, and what happens without."""

import sys
from types import SimpleNamespace

import pytest

from ecglib.datasets import kaggle


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """Both caches empty and under `tmp_path`."""
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    return tmp_path


def client(monkeypatch, name, function):
    """Stand in for one of the two packages."""
    if name == "kagglehub":
        module = SimpleNamespace(dataset_download=function)
    else:
        module = SimpleNamespace(api=SimpleNamespace(dataset_download_files=function))
    monkeypatch.setitem(sys.modules, name, module)


def failing(error):
    def function(*_, **__):
        print("Authentication required. Please read all of the following ...")
        raise error

    return function


def serving(folder):
    def function(_, path, unzip):
        assert unzip
        for name in (*kaggle.FILES, "ptbdb_normal.csv"):
            (type(folder)(path) / name).write_text("1\n")

    return function


def test_kagglehub_comes_first(made_up, caches, monkeypatch):
    folder, _ = made_up
    asked = []
    client(monkeypatch, "kagglehub", lambda handle: asked.append(handle) or str(folder))
    client(monkeypatch, "kaggle", failing(AssertionError("not to be asked")))
    assert kaggle.download() == folder
    assert asked == ["shayanfazeli/heartbeat/versions/1"]


def test_kaggle_comes_next_and_is_kept(caches, monkeypatch, capsys):
    client(monkeypatch, "kagglehub", failing(ConnectionError("401")))
    client(monkeypatch, "kaggle", serving(caches))
    assert kaggle.cached() is None
    folder = kaggle.download()
    assert folder.is_relative_to(caches) and kaggle.cached() == folder
    assert [p.name for p in folder.parent.iterdir()] == ["heartbeat"]
    assert capsys.readouterr().out == ""  # the client's page of help is not for our reader


@pytest.mark.parametrize("error", [SystemExit(1), OSError("no credentials"), ImportError("none")])
def test_without_credentials_there_are_three_ways_out(caches, monkeypatch, error):
    client(monkeypatch, "kagglehub", failing(ValueError("403 Forbidden")))
    client(monkeypatch, "kaggle", failing(error))
    with pytest.raises(kaggle.KaggleError) as caught:
        kaggle.download()
    message = str(caught.value)
    for words in ("kagglehub", "403 Forbidden", "API token", "by hand", "source='physionet'"):
        assert words in message
    assert "\n" not in message
    assert not list((caches / "cache").iterdir())  # nothing half-done is left


def test_packages_that_are_not_installed(caches, monkeypatch):
    for name in ("kagglehub", "kaggle"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(kaggle.KaggleError, match="Three ways out"):
        kaggle.download()


def test_a_download_without_the_files_does_not_count(caches, monkeypatch):
    client(monkeypatch, "kagglehub", lambda _: str(caches))
    client(monkeypatch, "kaggle", lambda *_, **__: None)
    with pytest.raises(kaggle.KaggleError, match=r"no mitbih_train\.csv"):
        kaggle.download()
    assert kaggle.cached() is None


def test_kagglehubs_cache_counts_when_it_is_whole(made_up, caches):
    folder, _ = made_up
    hub = caches / "kagglehub" / "datasets" / "shayanfazeli" / "heartbeat"
    hub.mkdir(parents=True)
    (hub / "versions").mkdir()
    folder.rename(hub / "versions" / "1")
    assert kaggle.cached() is None  # unpacking may have been interrupted
    (hub / "1.complete").touch()
    assert kaggle.cached() == hub / "versions" / "1"


def test_probe_says_that_kaggle_is_out_of_reach():
    with pytest.raises(kaggle.KaggleError, match="could not be reached"):
        kaggle.probe()


def test_neither_client_is_imported_before_it_is_needed():
    import subprocess

    code = (
        "import sys, ecglib.datasets.kaggle; assert not {'kaggle', 'kagglehub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
