"""Noise of a known strength, by the definition of the noise stress test."""

from dataclasses import replace

import numpy as np
import pytest

from ecglib.recordings import noise as nst
from ecglib.recordings.recording import Recording
from ecglib.recordings.wfdb import read_recording

FS = 360


def recording(amplitude=2.0, symbols="N"):
    """A spike of this height at every mark."""
    marks = np.arange(1, 30) * FS
    signal = np.zeros((31 * FS, 1), np.float32)
    signal[marks] = amplitude
    symbol = np.resize(np.array(list(symbols)), len(marks))
    return Recording("100", FS, signal, ("MLII",), marks, symbol)


def white(n=60 * FS, rms=0.3, seed=0):
    return (rms * np.random.default_rng(seed).normal(size=n)).astype(np.float32)


def test_signal_power_is_that_of_the_qrs_amplitude():
    assert nst.signal_power(recording(2.0)) == pytest.approx(2.0**2 / 8)
    ectopic = recording(2.0, "NV")
    ectopic.signal[ectopic.mark_sample[1::2]] = 9  # only normal beats are measured
    assert nst.signal_power(ectopic) == pytest.approx(2.0**2 / 8)
    assert nst.signal_power(recording(3.0, "L")) == pytest.approx(3.0**2 / 8)
    with pytest.raises(ValueError, match="no annotated beats"):
        nst.signal_power(recording(symbols="~"))


def test_noise_power_ignores_slow_drift_and_single_bursts():
    noise = white(100 * FS)
    assert nst.noise_power(noise) == pytest.approx(0.09, rel=0.05)
    assert nst.noise_power(noise + np.linspace(0, 50, len(noise))) < 0.15
    burst = noise.copy()
    burst[: 2 * FS] *= 100
    assert nst.noise_power(burst) == pytest.approx(nst.noise_power(noise), rel=0.05)


@pytest.mark.parametrize("snr", nst.SNRS_DB)
def test_added_noise_has_the_asked_ratio(snr):
    clean, noise = recording(), white()
    noisy = nst.add_noise(clean, noise, snr, start=500)
    added = (noisy.signal - clean.signal)[:, 0]
    found = 10 * np.log10(nst.signal_power(clean) / nst.noise_power(added))
    assert found == pytest.approx(snr, abs=0.3)
    assert np.corrcoef(added, noise[500 : 500 + len(added)])[0, 1] > 0.999
    assert clean.signal.max() == 2  # the recording given is left as it was


def test_no_noise_is_no_change():
    clean = recording()
    assert nst.add_noise(clean, white(), nst.CLEAN) is clean


def test_noise_is_brought_to_the_rate_of_the_recording():
    slow = replace(recording(), fs=180)
    hum = np.sin(2 * np.pi * 5 * np.arange(60 * FS) / FS)  # 5 Hz
    added = (nst.add_noise(slow, hum, 6).signal - slow.signal)[:1800, 0]
    spectrum = np.abs(np.fft.rfft(added))
    assert np.fft.rfftfreq(len(added), 1 / slow.fs)[spectrum.argmax()] == pytest.approx(5)


def test_noise_is_found_beside_the_recordings(noisy_folder, tmp_path, monkeypatch):
    assert nst.find_noise(noisy_folder / "mitdb") == noisy_folder / "nstdb"
    monkeypatch.setattr(nst, "ROOT", tmp_path / "project")
    monkeypatch.delenv("ECG_DATA", raising=False)
    assert nst.find_noise(tmp_path / "elsewhere") is None
    monkeypatch.setenv("ECG_DATA", str(noisy_folder))
    assert nst.find_noise() == noisy_folder / "nstdb"


def test_the_two_halves_share_nothing(noisy_folder):
    first, second = (nst.read_noise(noisy_folder / "nstdb", half) for half in ("first", "second"))
    whole = read_recording(noisy_folder / "nstdb" / "em").signal[:, 0]
    assert np.array_equal(np.concatenate([first["em"], second["em"]]), whole)
    with pytest.raises(ValueError, match="first or second"):
        nst.read_noise(noisy_folder / "nstdb", "third")


def test_conditions_begin_with_the_clean_recording():
    clean, noise = recording(), {"em": white(), "bw": white(seed=1), "ma": white(seed=2)}
    asked = nst.conditions((6, 0))
    assert asked[0] == (nst.NONE, nst.CLEAN) and len(asked) == 1 + 3 * 2
    noisy = [nst.in_condition(clean, noise, each) for each in asked]
    assert noisy[0] is clean and len({each.signal.tobytes() for each in noisy}) == len(asked)
    other = nst.in_condition(replace(clean, name="101"), noise, asked[1])
    assert not np.array_equal(other.signal, noisy[1].signal), "another place of the noise"
