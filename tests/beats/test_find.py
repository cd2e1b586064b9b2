"""Recordings in blocks: no seam, no verdict where there is no signal, leads upside down."""

from pathlib import Path

import numpy as np
import pytest

from ecglib.beats import find
from ecglib.beats.beats import cut_rows
from ecglib.beats.prepared import read_ecg
from ecglib.datasets.synthetic import write_recordings
from ecglib.recordings.quality import judge, looks_inverted, measure, stretches, unbroken
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
    assert np.array_equal(found.windows, judge(measure(whole, filtered(whole))))
    assert np.allclose(rows, cut_rows(whole, peaks, np.arange(len(peaks) - 1)), atol=1e-5)


def test_poor_stretches_are_found(record) -> None:
    signal = read_ecg(record).signal[:, 0].copy()
    rng = np.random.default_rng(0)
    signal[20 * 360 : 32 * 360] = 0.7  # the electrode is off
    signal[60 * 360 : 90 * 360] += 0.8 * rng.normal(size=30 * 360)
    signal[120 * 360 : 130 * 360] = np.clip(30 * signal[120 * 360 : 130 * 360], -6, 6)
    quality = judge(measure(signal, filtered(signal)))
    per_second = np.repeat(quality, 3)[::2][: len(signal) // 360]  # 1.5 s windows
    assert (per_second[22:30] == "flat").all()
    assert (per_second[66:84] == "noise").mean() > 0.9
    assert (per_second[122:128] == "clipped").any()
    assert (per_second[140:] == "ok").mean() > 0.95
    parts = stretches(quality, len(signal) / 360)
    assert {"flat", "noise"} <= {part["quality"] for part in parts}
    assert all(part["start_s"] < part["end_s"] for part in parts)


def test_intervals_across_a_stretch_without_a_verdict_are_not_known() -> None:
    mute = [{"start_s": 3.0, "end_s": 6.0}, {"start_s": 9.0, "end_s": 10.5}]
    time = np.array([1.0, 2.0, 7.0, 8.0, 9.5, 11.0, 12.0])
    assert unbroken(time, mute).tolist() == [True, False, True, False, False, True]
    assert unbroken(time, []).all() and len(unbroken(time[:0], mute)) == 0


def test_gaps_hold_the_value_before_them() -> None:
    samples = np.array([np.nan, 1, np.nan, np.nan, 3], dtype=np.float32)
    with open_ecg(samples, fs=360) as ecg:
        assert find.read_block(ecg, 0, 0, 5).tolist() == [1, 1, 1, 1, 3]


@pytest.mark.data
def test_an_inverted_lead_is_noticed(mitdb_beats) -> None:
    """Upright leads raise no alarm; turned over, at least half of them do."""
    noticed = []
    for name in np.unique(mitdb_beats.record):
        rows = mitdb_beats.signal[mitdb_beats.record == name][:400]
        assert not looks_inverted(rows), name
        noticed.append(looks_inverted(1 - rows))
    assert np.mean(noticed) > 0.5
