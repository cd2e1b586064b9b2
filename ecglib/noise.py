"""The noise stress test: recordings with noise of a known strength added before beats are cut.

The noise is that of the MIT-BIH Noise Stress Test Database (``nstdb``): baseline wander (``bw``),
electrode motion (``em``) and muscle noise (``ma``), recorded without an ECG. How strong it is says
the signal-to-noise ratio as its authors define it (Moody, Muldrow and Mark 1984, and WFDB's ``nst``
in detail): SNR = 10 log10(S / (N a²)) dB for noise multiplied by ``a``, where

- S is P² / 8, P being the peak-to-peak amplitude of the QRS complexes, from 50 ms before to 50 ms
  after each of a recording's first 300 normal beats, averaged without the largest and the smallest
  5 %;
- N is the square of the noise's RMS about its mean in pieces of one second, averaged likewise.

So the power of the ECG is that of its QRS complexes, whatever the heart rate, and slow drift counts
for less than its size. ``a`` is found for every recording. Two things differ from ``nst``: all of a
recording gets noise, not every other two minutes, and N is measured on all of the noise in use.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import resample_poly
from scipy.stats import trim_mean

from ecglib.beats import RECORDING_FS, Beats, cut_beats, to_recording_fs
from ecglib.confusion import class_scores, confusion_matrix, overall_scores
from ecglib.labels import CLASS_SYMBOLS, CLASSES, SYMBOL_TO_CLASS
from ecglib.paths import ROOT
from ecglib.recordings import Recording, read_recording
from ecglib.rpeaks import find_r_peaks, match_peaks

KINDS = {"bw": "baseline wander", "em": "electrode motion", "ma": "muscle noise"}
SNRS_DB = (24, 18, 12, 6, 0, -6)
CLEAN = np.inf  # the SNR of a recording without added noise
QRS_S = 0.05  # before and after the annotation
QRS_COUNT = 300
TRIMMED = 0.05
WAYS_OUT = (
    "It needs bw, em and ma (.hea and .dat) of https://physionet.org/content/nstdb/1.0.0/ in "
    "data/nstdb/, or in nstdb/ in the folder that ECG_DATA names."
)


def find_noise(recordings: str | Path | None = None) -> Path | None:
    """The folder of the noise records: found where ``mitdb`` is found, or None.

    Parameters
    ----------
    recordings : str or Path, optional
        The folder of the recordings in use; a folder ``nstdb`` inside or beside it comes first.
    """
    places = [Path(recordings), Path(recordings).parent] if recordings else []
    if folder := os.environ.get("ECG_DATA"):
        places.append(Path(folder).expanduser())
    places += [ROOT / "data", ROOT.parent / "shared"]
    for place in places:
        files = [place / "nstdb" / f"{kind}{end}" for kind in KINDS for end in (".hea", ".dat")]
        if all(file.is_file() for file in files):
            return place / "nstdb"
    return None


def read_noise(folder: str | Path, half: str = "second") -> dict[str, np.ndarray]:
    """One half of each noise record's first lead: train with one, judge with the other.

    Parameters
    ----------
    folder : str or Path
        With ``bw``, ``em`` and ``ma``.
    half : {"first", "second"}

    Returns
    -------
    dict of ndarray, shape (325000,), float32
        By kind: a quarter of an hour at 360 Hz.
    """
    if half not in ("first", "second"):
        raise ValueError(f"There is no half '{half}' of the noise; choose first or second.")
    noise = {kind: read_recording(Path(folder) / kind, [0]).signal[:, 0] for kind in KINDS}
    middle = {kind: len(signal) // 2 for kind, signal in noise.items()}
    side = {k: slice(middle[k]) if half == "first" else slice(middle[k], None) for k in noise}
    return {kind: signal[side[kind]] for kind, signal in noise.items()}


def signal_power(recording: Recording, lead: int = 0) -> float:
    """S of the definition above, in mV².

    "Normal" are beats of the symbol N; without them (bundle branch block, pacemaker), all beats.
    """
    symbols = recording.mark_symbol
    normal = recording.mark_sample[symbols == CLASS_SYMBOLS["N"][0]]
    if not len(normal):
        normal = recording.mark_sample[[str(s) in SYMBOL_TO_CLASS for s in symbols]]
    if not len(normal):
        raise ValueError(
            f"Recording {recording.name} has no annotated beats, so its SNR is not defined."
        )
    reach = round(QRS_S * recording.fs)
    window = normal[:QRS_COUNT, None] + np.arange(-reach, reach + 1)
    qrs = recording.signal[np.clip(window, 0, len(recording.signal) - 1), lead]
    return float(trim_mean(np.ptp(qrs, axis=1), TRIMMED) ** 2 / 8)


def noise_power(noise: np.ndarray, fs: float = RECORDING_FS) -> float:
    """N of the definition above for noise as it is, in mV²."""
    second = round(fs)
    pieces = noise[: len(noise) // second * second].reshape(-1, second)
    return float(trim_mean(pieces.std(axis=1), TRIMMED) ** 2)


def add_noise(recording: Recording, noise: np.ndarray, snr_db: float, start: int = 0) -> Recording:
    """A recording with noise on its first lead.

    Parameters
    ----------
    recording : Recording
        With annotations. At another rate than 360 Hz, the noise is resampled to it.
    noise : ndarray, shape (n_noise,)
        At 360 Hz; begins anew where it is shorter than the recording.
    snr_db : float
        Signal-to-noise ratio in dB as defined above; infinity adds nothing.
    start : int
        Sample of the noise that meets the recording's first one.
    """
    if snr_db == CLEAN:
        return recording
    if recording.fs != RECORDING_FS:
        ratio = Fraction(recording.fs / RECORDING_FS).limit_denominator(1000)
        noise = resample_poly(noise, ratio.numerator, ratio.denominator)
    gain = signal_power(recording) / (noise_power(noise, recording.fs) * 10 ** (snr_db / 10))
    added = np.take(noise, np.arange(start, start + len(recording.signal)), mode="wrap")
    signal = recording.signal.copy()
    signal[:, 0] += np.float32(np.sqrt(gain)) * added
    return replace(recording, signal=signal)


def conditions(snrs_db: Iterable[float] = SNRS_DB) -> list[tuple[str, float]]:
    """Every kind of noise at every SNR, and for each kind the clean recording first."""
    return [(kind, snr) for kind in KINDS for snr in (CLEAN, *snrs_db)]


def noisy_rows(
    folder: str | Path,
    beats: Beats,
    noise: dict[str, np.ndarray],
    asked: Iterable[tuple[str, float]],
    seed: int = 0,
) -> dict[tuple[str, float], np.ndarray]:
    """The same beats cut from recordings with noise, at the annotators' marks.

    Parameters
    ----------
    folder : str or Path
        Of the recordings that the beats come from.
    beats : Beats
        In any order.
    noise : dict
        From `read_noise`.
    asked : iterable of (kind, SNR in dB)
        From `conditions`.
    seed : int
        Where in the noise each recording begins.

    Returns
    -------
    dict of ndarray, shape (len(beats), 187), float32
        Rows as ``Beats.signal`` has them, by condition.
    """
    rows = {condition: np.empty_like(beats.signal) for condition in asked}
    for name in np.unique(beats.record):
        recording = read_recording(Path(folder) / str(name), [0])
        own = np.flatnonzero(beats.record == name)
        for kind, snr in rows:
            noisy = add_noise(recording, noise[kind], snr, _start(noise[kind], str(name), seed))
            every = cut_beats(noisy)
            rows[kind, snr][own] = every.signal[np.searchsorted(every.sample, beats.sample[own])]
    return rows


def noise_scores(label: np.ndarray, scores: dict[tuple[str, float], np.ndarray]) -> pd.DataFrame:
    """Scores of a model under every condition.

    Parameters
    ----------
    label : ndarray, shape (n,), int
    scores : dict of ndarray, shape (n, 5)
        By condition, for the rows of `noisy_rows`: probabilities or logits.

    Returns
    -------
    DataFrame
        One row a condition: ``noise``, ``snr_db``, ``accuracy``, ``macro_f1``, and ``f1_N`` etc.
    """
    rows = []
    for (kind, snr), p in scores.items():
        matrix = confusion_matrix(label, p.argmax(axis=1))
        overall, f1 = overall_scores(matrix), class_scores(matrix)["f1"]
        row = {"noise": kind, "snr_db": snr}
        row |= {key: float(overall[key]) for key in ("accuracy", "macro_f1")}
        rows.append(row | {f"f1_{c}": float(f1[k]) for k, c in enumerate(CLASSES)})
    return pd.DataFrame(rows)


def detection_table(
    folder: str | Path,
    records: Iterable[str],
    noise: dict[str, np.ndarray],
    asked: Iterable[tuple[str, float]],
    seconds: float = 30,
    seed: int = 0,
) -> pd.DataFrame:
    """How well R peaks are found in noise, pooled over recordings.

    Parameters
    ----------
    folder, noise, asked, seed
        As in `noisy_rows`.
    records : iterable of str
    seconds : float
        Length of the piece of each recording that is searched, from its fifth minute on.

    Returns
    -------
    DataFrame
        One row a condition: ``noise``, ``snr_db``, ``beats``, ``sensitivity``, ``precision``,
        ``f1`` of the detected R peaks, a match being at most 150 ms away.
    """
    counts = {condition: np.zeros(3, dtype=int) for condition in asked}
    for name, piece, true in _pieces(folder, records, seconds):
        for kind, snr in counts:
            noisy = add_noise(piece, noise[kind], snr, _start(noise[kind], name, seed))
            found = find_r_peaks(to_recording_fs(noisy.signal[:, 0], noisy.fs))
            tp = len(match_peaks(true, found)[0])
            counts[kind, snr] += (tp, len(true) - tp, len(found) - tp)
    rows = []
    for (kind, snr), (tp, fn, fp) in counts.items():
        row = {"noise": kind, "snr_db": snr, "beats": int(tp + fn)}
        row |= {"sensitivity": tp / max(tp + fn, 1), "precision": tp / max(tp + fp, 1)}
        rows.append(row | {"f1": 2 * tp / max(2 * tp + fn + fp, 1)})
    return pd.DataFrame(rows)


def _pieces(
    folder: str | Path, records: Iterable[str], seconds: float
) -> Iterator[tuple[str, Recording, np.ndarray]]:
    """A piece of each recording with the annotations inside it, and its R peaks at 360 Hz."""
    for name in records:
        recording = read_recording(Path(folder) / str(name), [0])
        length = min(round(seconds * recording.fs), len(recording.signal))
        first = min(round(300 * recording.fs), len(recording.signal) - length)
        inside = (recording.mark_sample >= first) & (recording.mark_sample < first + length)
        piece = replace(
            recording,
            signal=recording.signal[first : first + length],
            mark_sample=recording.mark_sample[inside] - first,
            mark_symbol=recording.mark_symbol[inside],
        )
        beat = [str(s) in SYMBOL_TO_CLASS for s in piece.mark_symbol]
        at_360 = np.rint(piece.mark_sample[beat] * (RECORDING_FS / recording.fs)).astype(np.int64)
        yield str(name), piece, at_360


def _start(noise: np.ndarray, name: str, seed: int) -> int:
    """Where in the noise a recording begins: another place for each, the same in every run."""
    return int(np.random.default_rng([seed, *name.encode()]).integers(len(noise)))
