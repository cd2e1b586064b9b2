"""R peaks where the annotators put theirs."""

import numpy as np
import pytest

from ecglib.recordings.rpeaks import find_r_peaks, match_peaks
from ecglib.recordings.wfdb import read_recording


@pytest.mark.parametrize("signal", [[], np.zeros(5000), np.ones(100), np.full(5000, 3.0)])
def test_nothing_is_found_in_nothing(signal):
    assert find_r_peaks(np.asarray(signal)).tolist() == []


def test_noise_gives_no_error():
    assert (np.diff(find_r_peaks(np.random.default_rng(0).normal(size=5000))) > 0).all()


@pytest.mark.data
@pytest.mark.parametrize("name", ["100", "208"])  # narrow beats; wide ones, with fusions
def test_peaks_are_those_of_the_annotators(mitdb, name):
    recording = read_recording(mitdb / name, leads=[0])
    mark, _ = recording.beats()
    found = find_r_peaks(recording.signal[:, 0])
    nearest = mark[np.abs(mark[:, None] - found).argmin(axis=0)]
    offset = found - nearest
    assert len(found) == pytest.approx(len(mark), rel=0.01)
    assert (np.abs(offset) <= 54).mean() > 0.99  # 150 ms, as the standard has it
    assert (np.abs(offset) <= 5).mean() > 0.92  # and so close that the cut is the same


def beating(seconds: float = 60, rate: float = 1.2) -> tuple[np.ndarray, np.ndarray]:
    """A train of R peaks with T waves on a wandering baseline, and where the peaks are."""
    peaks = np.arange(0.5, seconds - 0.5, 1 / rate)
    time = np.arange(0, seconds, 1 / 360)
    signal = 0.3 * np.sin(2 * np.pi * 0.2 * time)
    for peak in peaks:
        signal += np.exp(-(((time - peak) / 0.012) ** 2))
        signal += 0.3 * np.exp(-(((time - peak - 0.28) / 0.06) ** 2))
    return signal, np.rint(peaks * 360).astype(int)


@pytest.mark.parametrize("factor", [1, -1, 1e-3, 200])
def test_any_unit_and_either_sign(factor):
    signal, peaks = beating()
    found = find_r_peaks(factor * signal)
    assert len(found) == len(peaks) and np.abs(found - peaks).max() <= 1


def test_a_pause_stays_a_pause():
    signal, peaks = beating()
    signal[peaks[20] + 180 : peaks[26] - 100] = signal[peaks[20] + 180]
    found = find_r_peaks(signal + 0.001 * np.random.default_rng(0).normal(size=len(signal)))
    assert len(found) == len(peaks) - 5


def test_peaks_match_within_150_ms():
    true, none = np.array([1000, 2000, 3000]), np.zeros(0, int)
    assert [len(match_peaks(true, true + late)[0]) for late in (53, 54, 55)] == [3, 3, 0]
    assert len(match_peaks(true, none)[0]) == len(match_peaks(none, true)[0]) == 0
    nearest = match_peaks(np.array([100, 140, 400]), np.array([90, 130, 160, 500]))
    assert [part.tolist() for part in nearest] == [[0, 1], [0, 1]], "one to one, nearest first"
