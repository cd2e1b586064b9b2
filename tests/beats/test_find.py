"""Recordings in blocks: no seam, and gaps filled."""

from pathlib import Path

import numpy as np
import pytest

from ecglib.beats import find
from ecglib.beats.beats import cut_rows
from ecglib.beats.prepared import read_ecg
from ecglib.datasets.synthetic import write_recordings
from ecglib.recordings.quality import classify_windows, measure
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.recording import to_recording_fs
from ecglib.recordings.rpeaks import WINDOW, filtered, find_r_peaks


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> Path:
    folder = write_recordings(tmp_path_factory.mktemp("b") / "x", n_records=1, minutes=4)
    return folder / "s01"


@pytest.mark.parametrize("fs", [360, 250, 1000, 128])
def test_blocks_give_what_one_piece_gives(record, monkeypatch, fs) -> None:
    monkeypatch.setattr(find, "BLOCK", 40 * WINDOW)  # a minute
    signal = read_ecg(record).signal[:, 0]
    if fs != 360:  # taken as if it were at another rate
        signal = signal[: 60 * fs * 2]
    whole = to_recording_fs(signal, fs)
    peaks = find_r_peaks(whole)
    with open_ecg(signal, fs=fs) as ecg:
        found = find.find_beats(ecg)
        rows = np.concatenate([rows for _, rows in found.rows()])
    assert np.array_equal(found.peaks, peaks)
    assert np.abs(found.sample / fs - peaks / 360).max() <= 0.5 / fs
    assert np.array_equal(found.windows, classify_windows(measure(whole, filtered(whole))))
    assert np.allclose(rows, cut_rows(whole, peaks, np.arange(len(peaks) - 1)), atol=1e-5)


def test_gaps_hold_the_value_before_them() -> None:
    samples = np.array([np.nan, 1, np.nan, np.nan, 3], dtype=np.float32)
    with open_ecg(samples, fs=360) as ecg:
        assert find.read_block(ecg, 0, 0, 5).tolist() == [1, 1, 1, 1, 3]
