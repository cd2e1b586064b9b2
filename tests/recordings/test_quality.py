"""Unreadable stretches, and leads that are upside down."""

from pathlib import Path

import numpy as np
import pytest

from ecglib.recordings.quality import classify_windows, looks_inverted, measure, stretches, unbroken
from ecglib.recordings.rpeaks import filtered
from ecglib.recordings.wfdb import read_recording


def test_poor_stretches_are_found(s01: Path) -> None:
    signal = np.tile(read_recording(s01, [0]).signal[:, 0], 4)
    rng = np.random.default_rng(0)
    signal[20 * 360 : 32 * 360] = 0.7  # the electrode is off
    signal[60 * 360 : 90 * 360] += 0.8 * rng.normal(size=30 * 360)
    signal[120 * 360 : 130 * 360] = np.clip(30 * signal[120 * 360 : 130 * 360], -6, 6)
    measured = measure(signal, filtered(signal))
    quality = classify_windows(measured)
    assert not len(classify_windows(measured[:0]))
    per_second = np.repeat(quality, 3)[::2][: len(signal) // 360]  # 1.5 s windows
    assert (per_second[22:30] == "flat").all()
    assert (per_second[66:84] == "noise").mean() > 0.9
    assert (per_second[122:128] == "clipped").any()
    assert (per_second[140:] == "ok").mean() > 0.95
    parts = stretches(quality, len(signal) / 360)
    assert {"flat", "noise"} <= {part["quality"] for part in parts}
    assert all(part["start_s"] < part["end_s"] for part in parts)


def test_intervals_across_an_unreadable_stretch_are_unknown() -> None:
    unreadable = [{"start_s": 3.0, "end_s": 6.0}, {"start_s": 9.0, "end_s": 10.5}]
    time = np.array([1.0, 2.0, 7.0, 8.0, 9.5, 11.0, 12.0])
    assert unbroken(time, unreadable).tolist() == [True, False, True, False, False, True]
    assert unbroken(time, []).all() and len(unbroken(time[:0], unreadable)) == 0


@pytest.mark.data
def test_an_inverted_lead_is_noticed(mitdb_beats) -> None:
    """Upright leads raise no alarm; turned over, at least half of them do."""
    noticed = []
    for name in np.unique(mitdb_beats.record):
        rows = mitdb_beats.signal[mitdb_beats.record == name][:400]
        assert not looks_inverted(rows), name
        noticed.append(looks_inverted(1 - rows))
    assert np.mean(noticed) > 0.5
