"""Features of the beats of a recording for the patient-wise model: of the whole, or causal."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ecglib.models.patientwise.morphology import (
    FS,
    MORPHOLOGY,
    compare,
    cut_wide,
    even_out,
    morphology_features,
)
from ecglib.models.patientwise.rhythm_features import RR_FEATURES, rr_features
from ecglib.recordings.recording import without_gaps

FEWEST = 3  # beats that make a rhythm
TOGETHER = 64  # windows described at once

# Features of the two questions.
VENTRICULAR = (*MORPHOLOGY, "rr_mean32", "next_rr")
EARLY = (*RR_FEATURES, "p_around")


def describe(signal: np.ndarray, fs: float, r_peaks: np.ndarray) -> dict[str, np.ndarray]:
    """Beat times ``seconds``, shape (n,), and ``morphology``, shape (n_leads, n, 22)."""
    leads, seconds, peaks = _at_120_hz(signal, fs, r_peaks)
    shape = np.stack([morphology_features(lead, peaks) for lead in leads])
    return {"seconds": seconds, "morphology": np.nan_to_num(shape)}


def describe_causal(
    signal: np.ndarray, fs: float, r_peaks: np.ndarray, delay: int = 1, history: int = 120
) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray], dict[str, np.ndarray]]]:
    """As `describe`, for beats as they come: in windows whose beats are compared with each other.

    A window has ``history`` past beats, and ``delay`` beats to classify; it is complete 1.4 s after
    its last R peak: a beat's wave lasts 0.46 s and is shifted by at most 0.08 s, and the filters of
    `even_out` reach 0.83 s further. Yields the positions of the beats to classify, the window of
    each and its position there, and the windows' features with one more axis.
    """
    leads, seconds, peaks = _at_120_hz(signal, fs, r_peaks)
    cuts = [cut_wide(lead, peaks) for lead in leads]
    for windows in _causal_windows(len(peaks), delay, history):
        shape = [[compare(*(each[w] for each in cut)) for w, _ in windows] for cut in cuts]
        found = {"seconds": np.stack([seconds[w] for w, _ in windows])}
        found["morphology"] = np.nan_to_num(np.array(shape))
        which = np.repeat(np.arange(len(windows)), [len(judged) for _, judged in windows])
        beats = np.concatenate([judged for _, judged in windows])
        places = beats - np.array([w.start for w, _ in windows])[which]
        yield beats, (which, places), found


def _causal_windows(n: int, delay: int, history: int) -> Iterator[list[tuple[slice, np.ndarray]]]:
    """Batches of windows of one size, each with the beats that it classifies."""
    batch: list[tuple[slice, np.ndarray]] = []
    for start in range(0, n, delay):
        window = slice(max(start - history, 0), min(start + delay + 1, n))
        size = window.stop - window.start
        if batch and (len(batch) == TOGETHER or size != batch[-1][0].stop - batch[-1][0].start):
            yield batch
            batch = []
        if size >= FEWEST:
            batch.append((window, np.arange(start, min(start + delay, n))))
    if batch:
        yield batch


def ventricular_features(found: dict[str, np.ndarray]) -> np.ndarray:
    """Features of the first question, (n_leads, ..., n, 24), in the order of ``VENTRICULAR``."""
    rhythm = rr_features(found["seconds"])[..., [RR_FEATURES.index(n) for n in VENTRICULAR[-2:]]]
    return np.stack([np.concatenate([lead, rhythm], axis=-1) for lead in found["morphology"]])


def early_features(found: dict[str, np.ndarray], ectopic: np.ndarray) -> np.ndarray:
    """Features of the second question, shape (..., n, 8), in the order of ``EARLY``."""
    p_around = found["morphology"][0][..., [MORPHOLOGY.index("p_around")]]
    return np.concatenate([rr_features(found["seconds"], ectopic), p_around], axis=-1)


def context_table(found: dict[str, np.ndarray], label: np.ndarray) -> pd.DataFrame:
    """RR interval and QRS width of beats, and their ratios to the patient's usual ones.

    Returns
    -------
    DataFrame
        ``label`` (0 to 4); ``rr`` before the beat in seconds and ``rr_ratio`` to the mean of the
        last 32; ``width`` of the first lead's QRS complex at half its height in seconds and
        ``width_ratio`` to the typical beat's.
    """
    of_shape = dict(zip(MORPHOLOGY, found["morphology"][0].T, strict=True))
    of_rhythm = dict(zip(RR_FEATURES, rr_features(found["seconds"]).T, strict=True))
    columns = {"label": label, "rr": np.diff(found["seconds"], prepend=np.nan)}
    columns |= {"rr_ratio": np.exp(of_rhythm["rr_mean32"]), "width": of_shape["half_width"]}
    return pd.DataFrame(columns | {"width_ratio": np.exp(of_shape["half_width_ratio"])})


def _at_120_hz(
    signal: np.ndarray, fs: float, r_peaks: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Evened-out leads, the beats' times in seconds, and their positions in the leads."""
    leads = signal[:, None] if signal.ndim == 1 else signal
    seconds = np.asarray(r_peaks) / fs
    peaks = np.rint(seconds * FS).astype(np.int64)
    return [even_out(without_gaps(lead), fs) for lead in leads.T], seconds, peaks
