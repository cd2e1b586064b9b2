"""R peaks where the annotators put theirs."""

import numpy as np
import pytest

from ecglib.labels import SYMBOL_TO_CLASS
from ecglib.recordings import read_recording
from ecglib.rpeaks import find_r_peaks


@pytest.mark.parametrize("signal", [[], np.zeros(5000), np.ones(100), np.full(5000, 3.0)])
def test_nothing_is_found_in_nothing(signal):
    assert find_r_peaks(np.asarray(signal)).tolist() == []


def test_noise_gives_no_error():
    assert (np.diff(find_r_peaks(np.random.default_rng(0).normal(size=5000))) > 0).all()


@pytest.mark.data
@pytest.mark.parametrize("name", ["100", "208"])  # narrow beats; wide ones, with fusions
def test_peaks_are_those_of_the_annotators(mitdb, name):
    recording = read_recording(mitdb / name, leads=[0])
    beat = [symbol in SYMBOL_TO_CLASS for symbol in recording.mark_symbol]
    mark = recording.mark_sample[beat]
    found = find_r_peaks(recording.signal[:, 0])
    nearest = mark[np.abs(mark[:, None] - found).argmin(axis=0)]
    offset = found - nearest
    assert len(found) == pytest.approx(len(mark), rel=0.01)
    assert (np.abs(offset) <= 54).mean() > 0.99  # 150 ms, as the standard has it
    assert (np.abs(offset) <= 5).mean() > 0.94  # and so close that the cut is the same
