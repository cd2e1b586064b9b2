"""What is found in noise belongs to the beats that were asked about."""

import numpy as np
import pytest
import wfdb

from ecglib import noise as nst
from ecglib.beats import cut_beats
from ecglib.recordings import read_recording
from ecglib.stress import detection_table, noise_scores, noisy_rows
from ecglib.synthetic import write_recordings

FS = 360


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two synthetic recordings, and noise records beside them."""
    folder = tmp_path_factory.mktemp("data")
    write_recordings(folder / "mitdb", n_records=2, minutes=1.0)
    (folder / "nstdb").mkdir()
    for k, kind in enumerate(nst.KINDS):
        signal = 0.3 * np.random.default_rng(k).normal(size=(60 * FS, 1))
        how = {"fs": FS, "units": ["mV"], "sig_name": ["noise1"], "fmt": ["16"]}
        wfdb.wrsamp(kind, p_signal=signal, write_dir=str(folder / "nstdb"), **how)
    return folder


def test_noisy_rows_belong_to_the_beats_asked_about(folder):
    names = ("s01", "s02")
    every = [cut_beats(read_recording(folder / "mitdb" / name)) for name in names]
    beats = every[1][[7, 3]]
    noise = nst.read_noise(folder / "nstdb")
    asked = [(nst.NONE, nst.CLEAN), ("em", 0.0)]
    rows = noisy_rows(folder / "mitdb", beats, noise, asked)
    assert np.array_equal(rows[nst.NONE, nst.CLEAN], beats.signal)
    assert not np.array_equal(rows["em", 0.0], beats.signal)
    again = noisy_rows(folder / "mitdb", beats, noise, asked)
    assert np.array_equal(rows["em", 0.0], again["em", 0.0])
    one_hot = np.eye(5)[beats.label]
    table = noise_scores(beats.label, dict.fromkeys(asked, one_hot))
    assert table["accuracy"].tolist() == [1, 1] and table["snr_db"].tolist() == [np.inf, 0]


def test_detection_gets_harder_with_noise(folder):
    noise = nst.read_noise(folder / "nstdb")
    asked = [(nst.NONE, nst.CLEAN), ("ma", -12.0)]
    table = detection_table(folder / "mitdb", ["s01"], noise, asked, seconds=20)
    assert table["beats"].nunique() == 1 and table["beats"][0] > 10
    assert table["f1"][0] > 0.9 > table["f1"][1]
