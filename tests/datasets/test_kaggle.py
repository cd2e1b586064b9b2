"""Kaggle's files: the index of their beats, reading, and download through either client."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ecglib.datasets import kaggle, published
from ecglib.labels import MITDB_RECORDS
from own_python import run_python


@pytest.fixture(scope="module")
def genuine(kaggle_rows):
    with np.load(kaggle_rows) as rows:
        return rows["signal"], rows["label"].astype(np.int64), rows["in_test"]


def write_csv(folder, signal, label, in_test):
    """The two files in Kaggle's format: no header, label last, 19 digits."""
    folder.mkdir(exist_ok=True)
    table = np.column_stack([signal, label])
    for name, rows in zip(kaggle.FILES, (~in_test, in_test), strict=True):
        np.savetxt(folder / name, table[rows], delimiter=",", fmt="%.18e")
    return folder, table


@pytest.fixture
def made_up(tmp_path):
    """Small files of rows that are not in the data set; returns folder and table."""
    rng = np.random.default_rng(0)
    signal, label = rng.random((20, 187)).round(3), rng.integers(0, 5, 20)
    return write_csv(tmp_path / "csv", signal, label, np.arange(20) >= 15)


def test_index_has_the_published_counts():
    index = published.load_index()
    test = index["test_row"] >= 0
    assert np.bincount(index["label"]).tolist() == [90_589, 2_779, 7_236, 803, 8_039]
    assert np.bincount(index["label"][test]).tolist() == [18_118, 556, 1_448, 162, 1_608]
    assert np.array_equal(np.sort(index["test_row"][test]), np.arange(21_892))
    assert tuple(np.unique(index["record"])) == MITDB_RECORDS
    code = index["record"].astype(np.int64) * 1_000_000 + index["sample"]
    assert (np.diff(code) > 0).all()  # by record, then by time, no beat twice
    assert published.INDEX_FILE.stat().st_size < 1_500_000


@pytest.mark.data
def test_index_agrees_with_the_recordings(mitdb_beats):
    index = published.load_index()
    for name in ("record", "sample", "label"):
        assert np.array_equal(index[name], getattr(mitdb_beats, name))
    before, after = published.rr_intervals(index)
    np.testing.assert_array_equal(before, mitdb_beats.rr_before)
    np.testing.assert_array_equal(after, mitdb_beats.rr_after)
    assert np.isnan(before).sum() == 48 and not np.isnan(after).any()


@pytest.mark.data
@pytest.mark.parametrize("noise", [0.0, 1e-5])
def test_every_row_is_identified(mitdb_beats, noise):
    rng = np.random.default_rng(1)
    signal = mitdb_beats.signal + rng.uniform(-noise, noise, mitdb_beats.signal.shape)
    assert np.array_equal(published.identify(signal, mitdb_beats.label), np.arange(109_446))


@pytest.mark.data
def test_files_give_the_same_beats_as_the_recordings(genuine, mitdb_beats, tmp_path):
    signal, label, in_test = genuine
    position = published.identify(signal, label)
    assert np.array_equal(published.load_index()["test_row"][position] >= 0, in_test)
    loaded = kaggle.load(write_csv(tmp_path, signal, label, in_test)[0])
    expected = mitdb_beats[np.sort(position)]
    assert loaded.source == "kaggle" and not loaded.synthetic
    for name in ("label", "record", "sample", "rr_before", "rr_after", "rhythm", "fs"):
        one, other = getattr(loaded, name), getattr(expected, name)
        np.testing.assert_array_equal(one, other)
        assert one.dtype.kind == other.dtype.kind
    assert loaded.signal.dtype == np.float32
    np.testing.assert_allclose(loaded.signal, expected.signal, rtol=0, atol=1e-5)


@pytest.mark.data
def test_foreign_mislabelled_and_repeated_rows_are_counted(genuine):
    signal, label, _ = genuine
    noise = np.random.default_rng(2).standard_normal((2, 187))
    foreign, wrong = signal.copy(), label.copy()
    foreign[[3, 10]] = np.clip(signal[[3, 10]] + 0.02 * noise, 0, 1)
    wrong[5] = (wrong[5] + 1) % 5
    twice = np.append(np.arange(len(label)), [0, 1])
    for rows, labels, words in (
        (foreign, label, "2 of 3510 rows do not belong .* first is row 4"),
        (signal, wrong, "1 of 3510 rows have another label .* first is row 6"),
        (signal[twice], label[twice], "2 of 3512 rows are repeated .* first is row 3511"),
    ):
        with pytest.raises(ValueError, match=words):
            published.identify(rows, labels)


def test_rows_of_another_set_are_refused(made_up):
    with pytest.raises(ValueError, match="20 of 20 rows do not belong"):
        kaggle.load(made_up[0])


def test_read_rows(made_up):
    folder, table = made_up
    signal, label, in_test = kaggle.read_rows(folder)
    assert (signal.dtype, label.dtype, in_test.dtype) == (np.float32, np.int64, np.bool_)
    np.testing.assert_array_equal(signal, table[:, :187].astype(np.float32))
    np.testing.assert_array_equal(label, table[:, 187])
    assert in_test.sum() == 5 and in_test[15:].all()


def put(table, row, value):
    table = table.copy()
    table[row, 7] = value
    return table


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t[:, 1:], "187 columns instead of 188"),
        (lambda t: np.column_stack([t, t[:, 0]]), "189 columns instead of 188"),
        (lambda t: np.where(np.arange(188) == 187, 7, t), "a label that is not .* 15 of 15 rows"),
        (lambda t: np.where(np.arange(188) == 187, 1.5, t), "a label that is not"),
        (lambda t: put(t, 2, np.nan), "missing or not finite .* line 3"),
        (lambda t: put(t, 2, np.inf), "missing or not finite .* line 3"),
        (lambda t: put(t, 4, 1.2), "outside 0 to 1 .* line 5"),
    ],
)
def test_malformed_numbers_are_named(made_up, spoil, words):
    folder, table = made_up
    np.savetxt(folder / "mitbih_train.csv", spoil(table[:15]), delimiter=",")
    with pytest.raises(ValueError, match=words) as caught:
        kaggle.read_rows(folder)
    for words in ("mitbih_train.csv", "download the file again"):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "a,b,c\n1,2,3\n", "0.5;0.5\n", "0.1,0.2\n0.1,0.2,0.3\n", "\x00\x01", "<html>"],
)
def test_files_that_are_not_tables_are_named(made_up, text):
    folder, _ = made_up
    (folder / "mitbih_test.csv").write_text(text)
    with pytest.raises(ValueError, match=r"mitbih_test\.csv"):
        kaggle.read_rows(folder)


def test_truncated_and_missing_files_are_named(made_up):
    path = made_up[0] / "mitbih_test.csv"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ValueError, match="missing or not finite .* line 5"):
        kaggle.read_rows(path.parent)
    path.unlink()
    with pytest.raises(ValueError, match=r"mitbih_test\.csv can't be read"):
        kaggle.read_rows(path.parent)


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """Both caches empty and under `tmp_path`."""
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    return tmp_path


def clients(monkeypatch, kagglehub, kaggle):
    """Stand in for both packages."""
    modules = {
        "kagglehub": SimpleNamespace(dataset_download=kagglehub),
        "kaggle": SimpleNamespace(api=SimpleNamespace(dataset_download_files=kaggle)),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


def failing(error):
    def function(*_, **__):
        print("Authentication required. Please read all of the following ...")
        raise error

    return function


def test_kagglehub_comes_first(made_up, caches, monkeypatch):
    folder, asked = made_up[0], []
    unused = failing(AssertionError("not to be used"))
    clients(monkeypatch, lambda handle: asked.append(handle) or str(folder), unused)
    assert kaggle.download() == folder
    assert asked == ["shayanfazeli/heartbeat/versions/1"]


def test_kaggle_comes_next_and_is_kept(caches, monkeypatch, capsys):
    def serve(_, path, unzip):
        for name in (*kaggle.FILES, "ptbdb_normal.csv") if unzip else ():
            (Path(path) / name).write_text("1\n")

    clients(monkeypatch, failing(ConnectionError("401")), serve)
    assert kaggle.cached() is None
    folder = kaggle.download()
    assert folder.is_relative_to(caches) and kaggle.cached() == folder
    assert [p.name for p in folder.parent.iterdir()] == ["heartbeat"]
    assert capsys.readouterr().out == ""  # without the client's page of help


@pytest.mark.parametrize("error", [SystemExit(1), OSError("no credentials"), ImportError("none")])
def test_without_credentials_there_are_three_ways_out(caches, monkeypatch, error):
    clients(monkeypatch, failing(ValueError("403 Forbidden")), failing(error))
    with pytest.raises(kaggle.KaggleError) as caught:
        kaggle.download()
    message = str(caught.value)
    for words in ("kagglehub", "403 Forbidden", "API token", "by hand", "source='physionet'"):
        assert words in message
    assert "\n" not in message
    assert not list((caches / "cache").iterdir())  # nothing half-done is left


def test_missing_packages_and_downloads_without_the_files(caches, monkeypatch):
    clients(monkeypatch, lambda _: str(caches), lambda *_, **__: None)
    with pytest.raises(kaggle.KaggleError, match=r"no mitbih_train\.csv"):
        kaggle.download()
    assert kaggle.cached() is None
    for name in ("kagglehub", "kaggle"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(kaggle.KaggleError, match="Three ways out"):
        kaggle.download()


def test_kagglehubs_cache_counts_when_it_is_whole(made_up, caches):
    hub = caches / "kagglehub" / "datasets" / "shayanfazeli" / "heartbeat"
    (hub / "versions").mkdir(parents=True)
    made_up[0].rename(hub / "versions" / "1")
    assert kaggle.cached() is None  # unpacking may have been interrupted
    (hub / "1.complete").touch()
    assert kaggle.cached() == hub / "versions" / "1"


def test_probe_of_an_unreachable_site():
    with pytest.raises(kaggle.KaggleError, match="could not be reached"):
        kaggle.probe()


def test_no_client_is_imported_before_it_is_needed():
    unused = "{'kaggle', 'kagglehub'}"
    code = f"import sys, ecglib.datasets.kaggle; assert not {unused} & set(sys.modules)"
    assert run_python("-c", code) == (0, "", "")
