"""Generated recordings: in the format of MIT-BIH, cut like real ones, the same for one seed."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import wfdb

from ecglib.beats.beats import cut_beats, join
from ecglib.datasets import synthetic
from ecglib.labels import CLASSES, SYMBOL_TO_CLASS
from ecglib.recordings.wfdb import read_recording, record_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return synthetic.write_recordings(tmp_path_factory.mktemp("made") / "records")


@pytest.fixture(scope="module")
def beats(folder):
    return join([cut_beats(read_recording(folder / n)) for n in record_names(folder)], "synthetic")


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_files_are_like_mit_bihs(folder):
    names = record_names(folder)
    assert names == [f"s{n:02d}" for n in range(1, 13)]
    files = {f"{name}{suffix}" for name in names for suffix in (".hea", ".dat", ".atr")}
    assert {p.name for p in folder.iterdir()} == files
    header = wfdb.rdheader(str(folder / "s01"))
    assert (header.fs, header.n_sig, header.fmt) == (360, 2, ["212", "212"])
    assert header.adc_gain == [200, 200] and header.baseline == [1024, 1024]
    assert "SYNTHETIC" in header.comments[0]


def test_annotations_and_samples_are_like_mit_bihs(folder):
    for name in record_names(folder):
        marks = wfdb.rdann(str(folder / name), "atr")
        assert marks.symbol[0] == "+" and marks.aux_note[0].strip("\x00") in ("(N", "(P")
        assert marks.symbol[-1] in SYMBOL_TO_CLASS
        assert "~" in marks.symbol
        assert (np.diff(marks.sample) > 0).all()
        signal = wfdb.rdrecord(str(folder / name), physical=False).d_signal
        assert np.mean((signal <= 0) | (signal >= 2047)) < 1e-3  # the limits of the converter


def test_every_patient_has_every_class(beats):
    names = np.unique(beats.record)
    for name in names:
        assert (np.bincount(beats.label[beats.record == name], minlength=5) > 0).all()
    for half in (names[::2], names[1::2]):
        assert (np.bincount(beats.label[np.isin(beats.record, half)], minlength=5) >= 60).all()


def test_premature_beats_come_early_and_have_their_pause(beats):
    usual = {n: np.median(beats.rr_after[beats.record == n]) for n in np.unique(beats.record)}
    usual = np.array([usual[n] for n in beats.record])
    for name in "SV":
        these = beats.label == CLASSES.index(name)
        assert (beats.rr_before[these] < 0.9 * usual[these]).all()
        assert np.median(beats.rr_after[these] / usual[these]) > 1.02
    ventricular = beats.label == CLASSES.index("V")
    both = (beats.rr_before + beats.rr_after)[ventricular] / usual[ventricular]
    assert np.median(both) == pytest.approx(2, abs=0.1)  # the sinus node keeps its rhythm


def test_rows_start_at_the_peak(beats):
    """An upright QRS has its peak where the annotation stands, at the start of the row."""
    normal = beats.signal[beats.label == 0]
    assert np.median(normal[:, 0]) > 0.7
    assert (np.median(normal[:, 0]) - np.median(normal[:, 6])) > 0.3


def test_the_seed_decides_everything(tmp_path):
    one, same, other = (
        synthetic.write_recordings(tmp_path / name, seed=seed, n_records=2, minutes=1)
        for name, seed in (("one", 3), ("same", 3), ("other", 4))
    )
    assert content(one) == content(same)
    assert content(one)["s01.dat"] != content(other)["s01.dat"]
    assert content(one)["s01.dat"] != content(one)["s02.dat"]


def test_a_folder_that_has_recordings_is_left_alone(tmp_path):
    (tmp_path / "records").mkdir()  # an empty one is filled
    folder = synthetic.write_recordings(tmp_path / "records", n_records=1, minutes=1)
    (folder / "s01.dat").write_bytes(b"mine")
    synthetic.write_recordings(folder, n_records=1, minutes=1)
    assert (folder / "s01.dat").read_bytes() == b"mine"


def test_several_at_once_leave_one_whole_folder(tmp_path):
    def write(_):
        return synthetic.write_recordings(tmp_path / "records", n_records=2, minutes=1)

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(write, range(3))) == {tmp_path / "records"}
    assert [p.name for p in tmp_path.iterdir()] == ["records"]
    assert len(list((tmp_path / "records").iterdir())) == 6


def test_cache_is_used_again_and_done_without_where_it_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    folder = synthetic.cached(seed=7)
    assert folder == tmp_path / "cache" / f"synthetic-v{synthetic.VERSION}-seed7"
    assert synthetic.cached(seed=7) == folder
    (tmp_path / "file").touch()
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "file")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert len(record_names(synthetic.cached())) == 12


@pytest.mark.parametrize("wrong", [{"n_records": 0}, {"n_records": 100}, {"minutes": 0.5}])
def test_impossible_values_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="at least one minute"):
        synthetic.write_recordings(tmp_path / "records", **wrong)
