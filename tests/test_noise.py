"""Noise of a known strength, by the definition of the noise stress test."""

from dataclasses import replace

import numpy as np
import pytest
import wfdb

from ecglib import noise as nst
from ecglib.beats import cut_beats
from ecglib.recordings import Recording, read_recording
from ecglib.rpeaks import match_peaks
from ecglib.synthetic import write_recordings

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two synthetic recordings, and noise records beside them."""
    folder = tmp_path_factory.mktemp("data")
    write_recordings(folder / "mitdb", n_records=2, minutes=1.0)
    (folder / "nstdb").mkdir()
    for k, kind in enumerate(nst.KINDS):
        signal = white(seed=k)[:, None].astype(float)
        how = {"fs": FS, "units": ["mV"], "sig_name": ["noise1"], "fmt": ["16"]}
        wfdb.wrsamp(kind, p_signal=signal, write_dir=str(folder / "nstdb"), **how)
    return folder


def test_noise_is_found_beside_the_recordings(folder, tmp_path, monkeypatch):
    assert nst.find_noise(folder / "mitdb") == folder / "nstdb"
    monkeypatch.setattr(nst, "ROOT", tmp_path / "project")
    monkeypatch.delenv("ECG_DATA", raising=False)
    assert nst.find_noise(tmp_path / "elsewhere") is None
    monkeypatch.setenv("ECG_DATA", str(folder))
    assert nst.find_noise() == folder / "nstdb"


def test_the_two_halves_share_nothing(folder):
    first, second = (nst.read_noise(folder / "nstdb", half) for half in ("first", "second"))
    whole = read_recording(folder / "nstdb" / "em").signal[:, 0]
    assert np.array_equal(np.concatenate([first["em"], second["em"]]), whole)
    with pytest.raises(ValueError, match="first or second"):
        nst.read_noise(folder / "nstdb", "third")


def test_noisy_rows_belong_to_the_beats_asked_about(folder):
    names = ("s01", "s02")
    every = [cut_beats(read_recording(folder / "mitdb" / name)) for name in names]
    beats = every[1][[7, 3]]
    noise = nst.read_noise(folder / "nstdb")
    asked = [("em", nst.CLEAN), ("em", 0.0)]
    rows = nst.noisy_rows(folder / "mitdb", beats, noise, asked)
    assert np.array_equal(rows["em", nst.CLEAN], beats.signal)
    assert not np.array_equal(rows["em", 0.0], beats.signal)
    again = nst.noisy_rows(folder / "mitdb", beats, noise, asked)
    assert np.array_equal(rows["em", 0.0], again["em", 0.0])
    one_hot = np.eye(5)[beats.label]
    table = nst.noise_scores(beats.label, dict.fromkeys(asked, one_hot))
    assert table["accuracy"].tolist() == [1, 1] and table["snr_db"].tolist() == [np.inf, 0]


def test_detection_gets_harder_with_noise(folder):
    noise = nst.read_noise(folder / "nstdb")
    asked = [("ma", nst.CLEAN), ("ma", -12.0)]
    table = nst.detection_table(folder / "mitdb", ["s01"], noise, asked, seconds=20)
    assert table["beats"].nunique() == 1 and table["beats"][0] > 10
    assert table["f1"][0] > 0.9 > table["f1"][1]


def test_peaks_match_within_150_ms():
    true, none = np.array([1000, 2000, 3000]), np.zeros(0, int)
    assert [len(match_peaks(true, true + late)[0]) for late in (53, 54, 55)] == [3, 3, 0]
    assert len(match_peaks(true, none)[0]) == len(match_peaks(none, true)[0]) == 0
    nearest = match_peaks(np.array([100, 140, 400]), np.array([90, 130, 160, 500]))
    assert [part.tolist() for part in nearest] == [[0, 1], [0, 1]], "one to one, nearest first"
