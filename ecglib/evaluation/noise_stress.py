"""The noise stress test: what classification and R-peak detection are worth in noise.

Noise is added to whole recordings (``noise``) before beats are cut or looked for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.beats.beats import Beats, cut_beats
from ecglib.labels import CLASSES, SYMBOL_TO_CLASS
from ecglib.metrics.scores import class_scores, confusion_matrix, overall_scores
from ecglib.recordings.noise import in_condition
from ecglib.recordings.recording import RECORDING_FS, Recording, to_recording_fs
from ecglib.recordings.rpeaks import find_r_peaks, match_peaks
from ecglib.recordings.wfdb import read_recording


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
        From `noise.read_noise`.
    asked : iterable of (kind, SNR in dB)
        From `noise.conditions`.
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
        for condition, signal in rows.items():
            every = cut_beats(in_condition(recording, noise, condition, seed))
            signal[own] = every.signal[np.searchsorted(every.sample, beats.sample[own])]
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
    for piece, true in _pieces(folder, records, seconds):
        for condition, count in counts.items():
            noisy = in_condition(piece, noise, condition, seed)
            found = find_r_peaks(to_recording_fs(noisy.signal[:, 0], noisy.fs))
            tp = len(match_peaks(true, found)[0])
            count += (tp, len(true) - tp, len(found) - tp)
    rows = []
    for (kind, snr), (tp, fn, fp) in counts.items():
        row = {"noise": kind, "snr_db": snr, "beats": int(tp + fn)}
        row |= {"sensitivity": tp / max(tp + fn, 1), "precision": tp / max(tp + fp, 1)}
        rows.append(row | {"f1": 2 * tp / max(2 * tp + fn + fp, 1)})
    return pd.DataFrame(rows)


def _pieces(
    folder: str | Path, records: Iterable[str], seconds: float
) -> Iterator[tuple[Recording, np.ndarray]]:
    """A piece of each recording with the annotations inside it, and its R peaks at 360 Hz.

    Recordings without a beat in it are left out.
    """
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
        if len(at_360):  # without a beat, nobody can say how strong the noise is beside it
            yield piece, at_360
