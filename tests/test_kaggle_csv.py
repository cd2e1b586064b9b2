"""Kaggle's files: reading them, knowing the beat behind every row, and the two clients."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from ecglib import kaggle_csv, published
from ecglib.beats import cut_beats, join
from ecglib.labels import MITDB_RECORDS, SYMBOL_TO_CLASS
from ecglib.recordings import read_recording
from reliability import tried


def write_csv(folder, signal, label, in_test):
    """The two files as Kaggle writes them: no header, label last, 19 digits."""
    table = np.column_stack([signal, label])
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(kaggle_csv.FILES, (~in_test, in_test), strict=True):
        np.savetxt(folder / name, table[rows], delimiter=",", fmt="%.18e")
    return folder


@pytest.fixture(scope="module")
def genuine(kaggle_rows):
    with np.load(kaggle_rows) as rows:
        return rows["signal"], rows["label"].astype(np.int64), rows["in_test"]


@pytest.fixture(scope="module")
def beats(mitdb):
    return join([cut_beats(read_recording(mitdb / n, leads=[0])) for n in MITDB_RECORDS], "folder")


@pytest.fixture
def made_up(tmp_path):
    """Two small well-formed files with rows that are nobody's beats; returns folder and table."""
    rng = np.random.default_rng(0)
    signal, label = rng.random((20, 187)).round(3), rng.integers(0, 5, 20)
    in_test = np.arange(20) >= 15
    return write_csv(tmp_path / "csv", signal, label, in_test), np.column_stack([signal, label])


# The index ----------------------------------------------------------------------------------------


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
def test_index_agrees_with_the_recordings(beats, mitdb):
    index = published.load_index()
    for name in ("record", "sample", "label"):
        assert np.array_equal(index[name], getattr(beats, name))
    before, after = published.rr_intervals(index)
    np.testing.assert_array_equal(before, beats.rr_before)
    np.testing.assert_array_equal(after, beats.rr_after)
    assert np.isnan(before).sum() == 48 and not np.isnan(after).any()
    recording = read_recording(mitdb / "100", leads=[0])
    last = [s in SYMBOL_TO_CLASS for s in recording.mark_symbol]
    assert index["last_sample"][0] == recording.mark_sample[last][-1]


# Knowing the beat ---------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("noise", [0.0, 1e-5])
def test_every_row_is_known(beats, noise):
    rng = np.random.default_rng(1)
    signal = beats.signal + rng.uniform(-noise, noise, beats.signal.shape)
    assert np.array_equal(published.identify(signal, beats.label), np.arange(109_446))


@pytest.mark.data
def test_genuine_rows_are_known(genuine, beats):
    signal, label, in_test = genuine
    position = published.identify(signal, label)
    assert np.array_equal(beats.label[position], label)
    assert np.array_equal(published.load_index()["test_row"][position] >= 0, in_test)
    np.testing.assert_allclose(beats.signal[position], signal, rtol=0, atol=1e-5)


@pytest.mark.data
def test_files_give_the_same_beats_as_the_recordings(genuine, beats, tmp_path):
    signal, label, in_test = genuine
    folder = write_csv(tmp_path, signal, label, in_test)
    loaded = kaggle_csv.load(folder)
    expected = beats[np.sort(published.identify(signal, label))]
    assert loaded.source == "kaggle" and not loaded.synthetic
    for name in ("label", "record", "sample", "rr_before", "rr_after"):
        one, other = getattr(loaded, name), getattr(expected, name)
        np.testing.assert_array_equal(one, other)
        assert one.dtype.kind == other.dtype.kind and one.ndim == 1
    assert loaded.signal.dtype == np.float32
    np.testing.assert_allclose(loaded.signal, expected.signal, rtol=0, atol=1e-5)


@pytest.mark.data
def test_foreign_rows_are_counted(genuine):
    signal, label, _ = genuine
    rng = np.random.default_rng(2)
    signal = signal.copy()
    signal[[3, 10]] = np.clip(signal[[3, 10]] + 0.02 * rng.standard_normal((2, 187)), 0, 1)
    with pytest.raises(ValueError, match="2 of 3510 rows do not belong .* first is row 4"):
        published.identify(signal, label)


@pytest.mark.data
def test_wrong_labels_and_repeated_rows_are_counted(genuine):
    signal, label, _ = genuine
    wrong = label.copy()
    wrong[5] = (wrong[5] + 1) % 5
    with pytest.raises(ValueError, match="1 of 3510 rows have another label"):
        published.identify(signal, wrong)
    twice = np.append(np.arange(len(label)), [0, 1])
    with pytest.raises(ValueError, match="2 of 3512 rows are repeated"):
        published.identify(signal[twice], label[twice])


def test_rows_of_another_set_are_refused(made_up):
    with pytest.raises(ValueError, match="20 of 20 rows do not belong"):
        kaggle_csv.load(made_up[0])


# Reading ------------------------------------------------------------------------------------------


def test_read_rows(made_up):
    folder, table = made_up
    signal, label, in_test = kaggle_csv.read_rows(folder)
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
        kaggle_csv.read_rows(folder)
    assert "mitbih_train.csv" in str(caught.value) and "download the file again" in str(
        caught.value
    )


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "a,b,c\n1,2,3\n", "0.5;0.5\n", "0.1,0.2\n0.1,0.2,0.3\n", "\x00\x01", "<html>"],
)
def test_files_that_are_no_tables_are_named(made_up, text):
    folder, _ = made_up
    (folder / "mitbih_test.csv").write_text(text)
    with pytest.raises(ValueError, match=r"mitbih_test\.csv"):
        kaggle_csv.read_rows(folder)


def test_a_row_cut_short_is_noticed(made_up):
    folder, _ = made_up
    path = folder / "mitbih_test.csv"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ValueError, match="missing or not finite .* line 5"):
        kaggle_csv.read_rows(folder)


def test_a_missing_file_is_named(made_up):
    folder, _ = made_up
    (folder / "mitbih_test.csv").unlink()
    with pytest.raises(ValueError, match=r"mitbih_test\.csv can't be read"):
        kaggle_csv.read_rows(folder)


# The two clients ----------------------------------------------------------------------------------


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
        for name in (*kaggle_csv.FILES, "ptbdb_normal.csv"):
            (type(folder)(path) / name).write_text("1\n")

    return function


def test_kagglehub_comes_first(made_up, caches, monkeypatch):
    folder, _ = made_up
    asked = []
    client(monkeypatch, "kagglehub", lambda handle: asked.append(handle) or str(folder))
    client(monkeypatch, "kaggle", failing(AssertionError("not to be asked")))
    assert kaggle_csv.download() == folder
    assert asked == ["shayanfazeli/heartbeat/versions/1"]


def test_kaggle_comes_next_and_is_kept(caches, monkeypatch, capsys):
    client(monkeypatch, "kagglehub", failing(ConnectionError("401")))
    client(monkeypatch, "kaggle", serving(caches))
    assert kaggle_csv.cached() is None
    folder = kaggle_csv.download()
    assert folder.is_relative_to(caches) and kaggle_csv.cached() == folder
    assert [p.name for p in folder.parent.iterdir()] == ["heartbeat"]
    assert capsys.readouterr().out == ""  # the client's page of help is not for our reader


@pytest.mark.parametrize("error", [SystemExit(1), OSError("no credentials"), ImportError("none")])
@tried("14 Kaggle: no credentials, or wrong ones", "library", outcome="three ways out")
def test_without_credentials_there_are_three_ways_out(caches, monkeypatch, error):
    client(monkeypatch, "kagglehub", failing(ValueError("403 Forbidden")))
    client(monkeypatch, "kaggle", failing(error))
    with pytest.raises(kaggle_csv.KaggleError) as caught:
        kaggle_csv.download()
    message = str(caught.value)
    for words in ("kagglehub", "403 Forbidden", "API token", "by hand", "source='physionet'"):
        assert words in message
    assert "\n" not in message
    assert not list((caches / "cache").iterdir())  # nothing half-done is left


def test_packages_that_are_not_installed(caches, monkeypatch):
    for name in ("kagglehub", "kaggle"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(kaggle_csv.KaggleError, match="Three ways out"):
        kaggle_csv.download()


def test_a_download_without_the_files_does_not_count(caches, monkeypatch):
    client(monkeypatch, "kagglehub", lambda _: str(caches))
    client(monkeypatch, "kaggle", lambda *_, **__: None)
    with pytest.raises(kaggle_csv.KaggleError, match=r"no mitbih_train\.csv"):
        kaggle_csv.download()
    assert kaggle_csv.cached() is None


def test_kagglehubs_cache_counts_when_it_is_whole(made_up, caches):
    folder, _ = made_up
    hub = caches / "kagglehub" / "datasets" / "shayanfazeli" / "heartbeat"
    hub.mkdir(parents=True)
    (hub / "versions").mkdir()
    folder.rename(hub / "versions" / "1")
    assert kaggle_csv.cached() is None  # unpacking may have been interrupted
    (hub / "1.complete").touch()
    assert kaggle_csv.cached() == hub / "versions" / "1"


def test_probe_says_that_kaggle_is_out_of_reach():
    with pytest.raises(kaggle_csv.KaggleError, match="could not be reached"):
        kaggle_csv.probe()


def test_neither_client_is_imported_before_it_is_needed():
    import subprocess

    code = "import sys, ecglib.kaggle_csv; assert not {'kaggle', 'kagglehub'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
