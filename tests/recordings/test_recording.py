"""Leads, beats, units and sampling rates of a recording."""

import numpy as np
import pytest

from ecglib.recordings import recording
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.recording import EcgFileError, Recording, from_360, likely_leads, to_360


def test_beats_and_leads() -> None:
    """Beats of other databases (B, n, r, ?) count; rhythm and noise marks do not."""
    marks, leads = np.arange(11), ("ECG V5", "ECG lead II", "v1")
    found = Recording("x", 360, np.zeros((11, 3)), leads, marks, np.array(list('+NBn~Vr?|"x')))
    sample, symbol = found.beats()
    assert sample.tolist() == np.flatnonzero(found.is_beat).tolist() == [1, 2, 3, 5, 6, 7]
    assert "".join(symbol) == "NBnVr?"
    assert [found.lead_number(k) for k in (2, np.int64(1), "II", "ecg v5", "V1")] == [2, 1, 1, 0, 2]
    for lead in (3, -1, "aVR"):
        with pytest.raises(EcgFileError, match=r"no lead .* in x; it has 3, .*: 'ECG V5'"):
            found.lead_number(lead)
    assert likely_leads(leads, 2) == [1, 2] and likely_leads(("a", "b"), 3) == [0, 1]


@pytest.mark.parametrize("fs", [360, 250, 128, 1000, 257.3])
def test_sample_numbers_go_to_360_hz_and_back(fs: float) -> None:
    sample = np.arange(0, 10**7, 999)
    there = to_360(sample, fs)
    assert there.dtype == np.int64 and np.allclose(there, sample * 360 / fs, rtol=1e-6, atol=0.5)
    assert np.abs(from_360(there, fs) - sample).max() <= fs / 720


@pytest.mark.filterwarnings("error")
def test_samples_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.array([[1, 2], [1e31, np.inf], [3, 1e38]])
    with open_ecg(samples, fs=360, units="uV") as ecg:
        signal = ecg.load().signal
        assert ecg.units == ("mV", "mV") and np.allclose(signal[0], [0.001, 0.002])
        assert np.isnan(signal).tolist() == [[False] * 2, [False, True], [False, True]]
        monkeypatch.setattr(recording, "MAX_VALUES", 5)
        assert np.array_equal(ecg.load(["lead 1"]).signal, signal[:, 1:], equal_nan=True)
        with pytest.raises(EcgFileError, match="read one lead"):
            ecg.load()
