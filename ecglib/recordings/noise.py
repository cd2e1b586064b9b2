"""Recordings with noise of a known strength, for the noise stress test.

The MIT-BIH Noise Stress Test Database (``nstdb``) has baseline wander (``bw``), electrode motion
(``em``) and muscle noise (``ma``), recorded without an ECG. For noise multiplied by ``a``, its
authors (Moody, Muldrow and Mark 1984, in detail WFDB's ``nst``) define the signal-to-noise ratio as
SNR = 10 log10(S / (N a²)) dB, where

- S is P² / 8, P being the peak-to-peak amplitude of the QRS complexes, from 50 ms before to 50 ms
  after each of a recording's first 300 normal beats, averaged without the largest and the smallest
  5 %;
- N is the square of the noise's RMS about its mean in pieces of one second, averaged likewise.

So S does not depend on the heart rate, and slow drift counts little in N. Unlike in ``nst``, the
whole recording gets noise, not every other two minutes, and N is measured on all noise in use.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly
from scipy.stats import trim_mean

from ecglib.paths import ROOT, given
from ecglib.recordings.recording import RECORDING_FS, Recording, resampling_ratio
from ecglib.recordings.wfdb import read_recording

KINDS = {"bw": "baseline wander", "em": "electrode motion", "ma": "muscle noise"}
SNRS_DB = (24, 18, 12, 6, 0, -6)
NONE, CLEAN = "none", np.inf  # kind and SNR of a recording without added noise
QRS_S = 0.05  # before and after an annotation
QRS_COUNT = 300
TRIMMED = 0.05
WAYS_OUT = (
    "It needs bw, em and ma (.hea and .dat) of https://physionet.org/content/nstdb/1.0.0/ in "
    "data/nstdb/, or in nstdb/ in the folder that ECG_DATA names."
)


def find_noise(recordings: str | Path | None = None) -> Path | None:
    """The folder ``nstdb``, or None: in or beside ``recordings``, then where ``mitdb`` is found."""
    places = [Path(recordings), Path(recordings).parent] if recordings else []
    if folder := os.environ.get("ECG_DATA"):
        places.append(given(folder))
    places += [ROOT / "data", ROOT.parent / "shared"]
    for place in places:
        files = [place / "nstdb" / f"{kind}{end}" for kind in KINDS for end in (".hea", ".dat")]
        if all(file.is_file() for file in files):
            return place / "nstdb"
    return None


def read_noise(folder: str | Path, half: str = "second") -> dict[str, np.ndarray]:
    """One half of each noise record's first lead: one to train with, the other to test with.

    Parameters
    ----------
    folder : str or Path
        With ``bw``, ``em`` and ``ma``.
    half : {"first", "second"}

    Returns
    -------
    dict of ndarray, shape (325000,), float32
        By kind: a quarter of an hour at 360 Hz, in mV.
    """
    if half not in ("first", "second"):
        raise ValueError(f"There is no half '{half}' of the noise; choose first or second.")
    noise = {}
    for kind in KINDS:
        signal = read_recording(Path(folder) / kind, [0]).signal[:, 0]
        middle = len(signal) // 2
        noise[kind] = signal[:middle] if half == "first" else signal[middle:]
    return noise


def signal_power(recording: Recording, lead: int = 0) -> float:
    """S of the definition above, in mV²."""
    beats, symbols = recording.beats()
    normal = beats[symbols == "N"] if "N" in symbols else beats  # without N: block, pacemaker
    if not len(normal):
        raise ValueError(
            f"Recording {recording.name} has no annotated beats, so its SNR is not defined."
        )
    reach = round(QRS_S * recording.fs)
    window = normal[:QRS_COUNT, None] + np.arange(-reach, reach + 1)
    qrs = recording.signal[np.clip(window, 0, len(recording.signal) - 1), lead]
    return float(trim_mean(np.ptp(qrs, axis=1), TRIMMED) ** 2 / 8)


def noise_power(noise: np.ndarray, fs: float = RECORDING_FS) -> float:
    """N of the definition above, in mV²."""
    second = round(fs)
    pieces = noise[: len(noise) // second * second].reshape(-1, second)
    return float(trim_mean(pieces.std(axis=1), TRIMMED) ** 2)


def add_noise(recording: Recording, noise: np.ndarray, snr_db: float, start: int = 0) -> Recording:
    """A recording with noise on its first lead.

    Parameters
    ----------
    recording : Recording
        With annotations, at any sampling rate.
    noise : ndarray, shape (n_noise,)
        At 360 Hz; repeated where it is shorter than the recording.
    snr_db : float
        Signal-to-noise ratio in dB as defined above; infinity adds nothing.
    start : int
        Sample of the noise at the recording's first one, at the recording's rate.
    """
    if snr_db == CLEAN:
        return recording
    if recording.fs != RECORDING_FS:
        up, down = resampling_ratio(recording.fs)
        noise = resample_poly(noise, down, up)
    gain = signal_power(recording) / (noise_power(noise, recording.fs) * 10 ** (snr_db / 10))
    added = np.take(noise, np.arange(start, start + len(recording.signal)), mode="wrap")
    signal = recording.signal.copy()
    signal[:, 0] += np.float32(np.sqrt(gain)) * added
    return replace(recording, signal=signal)


def conditions(snrs_db: Iterable[float] = SNRS_DB) -> list[tuple[str, float]]:
    """The clean recording, and every kind of noise at every SNR."""
    return [(NONE, CLEAN), *((kind, snr) for kind in KINDS for snr in snrs_db)]


def in_condition(
    recording: Recording, noise: dict[str, np.ndarray], condition: tuple[str, float], seed: int = 0
) -> Recording:
    """A recording under one of the `conditions`, with noise from a place drawn by name and seed."""
    kind, snr_db = condition
    if snr_db == CLEAN:
        return recording
    rng = np.random.default_rng([seed, *recording.name.encode()])
    return add_noise(recording, noise[kind], snr_db, int(rng.integers(len(noise[kind]))))
