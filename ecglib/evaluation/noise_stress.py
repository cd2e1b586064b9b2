"""The noise stress test: accuracy of classification and R-peak detection in noise.

Noise is added to whole recordings before beats are cut or R peaks are detected.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from ecglib.beats.beats import Beats, cut_beats
from ecglib.labels import CLASSES
from ecglib.metrics.scores import class_scores, confusion_matrix, overall_scores
from ecglib.recordings.noise import in_condition
from ecglib.recordings.recording import Recording, to_360, to_recording_fs
from ecglib.recordings.rpeaks import find_r_peaks, match_peaks
from ecglib.recordings.wfdb import read_recording


def noisy_rows(
    beats: Beats,
    noise: dict[str, np.ndarray],
    conditions: Iterable[tuple[str, float]],
    seed: int = 0,
) -> dict[tuple[str, float], np.ndarray]:
    """The same beats cut from recordings with noise, at the annotated R peaks.

    Parameters
    ----------
    beats : Beats
        In any order; their recordings are read from ``beats.folder``.
    noise : dict
        From `noise.read_noise`.
    conditions : iterable of (kind, SNR in dB)
        From `noise.conditions`.
    seed : int
        Determines at which point of the noise each recording begins.

    Returns
    -------
    dict of ndarray, shape (len(beats), 187), float32
        Rows in the form of ``Beats.signal``, by condition.
    """
    rows = {condition: np.empty_like(beats.signal) for condition in conditions}
    for name in np.unique(beats.record):
        recording = read_recording(beats.folder / str(name), [0])
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
        Probabilities or logits by condition, for the rows of `noisy_rows`.

    Returns
    -------
    DataFrame
        One row per condition: ``noise``, ``snr_db``, ``accuracy``, ``macro_f1``, ``f1_N`` etc.
    """
    rows = []
    for (kind, snr), p in scores.items():
        matrix = confusion_matrix(label, p.argmax(axis=1))
        overall = overall_scores(matrix)
        row = {"noise": kind, "snr_db": snr}
        row |= {score: float(overall[score]) for score in ("accuracy", "macro_f1")}
        f1 = zip(CLASSES, class_scores(matrix)["f1"].tolist(), strict=True)
        rows.append(row | {f"f1_{c}": value for c, value in f1})
    return pd.DataFrame(rows)


def detection_table(
    beats: Beats,
    noise: dict[str, np.ndarray],
    conditions: Iterable[tuple[str, float]],
    seconds: float = 30,
    seed: int = 0,
) -> pd.DataFrame:
    """Accuracy of R-peak detection in noise, pooled over recordings.

    Parameters
    ----------
    beats : Beats
        Beats of the recordings to search.
    noise, conditions, seed
        As in `noisy_rows`.
    seconds : float
        Length of the searched piece of each recording, from its fifth minute on.

    Returns
    -------
    DataFrame
        One row per condition: ``noise``, ``snr_db``, ``beats``, ``sensitivity``, ``precision``,
        ``f1`` of the detected R peaks; they match within 150 ms.
    """
    counts = {condition: np.zeros(3, dtype=int) for condition in conditions}
    for name in np.unique(beats.record):
        piece = _piece(read_recording(beats.folder / str(name), [0]), seconds)
        true = to_360(piece.beats()[0], piece.fs)
        if not len(true):  # the signal-to-noise ratio is undefined without a beat
            continue
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


def _piece(recording: Recording, seconds: float) -> Recording:
    """A piece of a recording with its annotations, from the fifth minute on."""
    length = min(round(seconds * recording.fs), len(recording.signal))
    first = min(round(300 * recording.fs), len(recording.signal) - length)
    inside = (recording.mark_sample >= first) & (recording.mark_sample < first + length)
    return replace(
        recording,
        signal=recording.signal[first : first + length],
        mark_sample=recording.mark_sample[inside] - first,
        mark_symbol=recording.mark_symbol[inside],
    )
