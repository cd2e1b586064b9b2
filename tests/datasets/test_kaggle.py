"""Kaggle's files: reading them, and knowing the beat behind every row."""

import numpy as np
import pytest

from ecglib.beats.beats import cut_beats, join
from ecglib.datasets import kaggle, published
from ecglib.labels import MITDB_RECORDS, SYMBOL_TO_CLASS
from ecglib.recordings.wfdb import read_recording
from kaggle_files import write_csv


@pytest.fixture(scope="module")
def genuine(kaggle_rows):
    with np.load(kaggle_rows) as rows:
        return rows["signal"], rows["label"].astype(np.int64), rows["in_test"]


@pytest.fixture(scope="module")
def beats(mitdb):
    return join([cut_beats(read_recording(mitdb / n, leads=[0])) for n in MITDB_RECORDS], "folder")


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
    loaded = kaggle.load(folder)
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
        kaggle.load(made_up[0])


# Reading ------------------------------------------------------------------------------------------


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
        kaggle.read_rows(folder)


def test_a_row_cut_short_is_noticed(made_up):
    folder, _ = made_up
    path = folder / "mitbih_test.csv"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ValueError, match="missing or not finite .* line 5"):
        kaggle.read_rows(folder)


def test_a_missing_file_is_named(made_up):
    folder, _ = made_up
    (folder / "mitbih_test.csv").unlink()
    with pytest.raises(ValueError, match=r"mitbih_test\.csv can't be read"):
        kaggle.read_rows(folder)
