"""Classified recordings made by hand."""

import numpy as np
import pandas as pd

from ecglib.beats.find import FoundBeats
from ecglib.models.recordings import ClassifiedRecording
from ecglib.recordings.recording import Ecg
from ecglib.recordings.rpeaks import WINDOW


def classified(
    letters: str,
    longer: dict | None = None,
    lost: tuple[float, float] | None = None,
    name: str = "night",
    signal: np.ndarray | None = None,
    lead: int = 0,
) -> ClassifiedRecording:
    """Beats of these classes, "-" for unreadable ones; during ``lost``, an electrode is off."""
    interval = np.full(len(letters), 0.8)
    for k, seconds in (longer or {}).items():
        interval[k] = seconds
    sample = np.rint((1 + interval.cumsum() - interval) * 360).astype(int)
    signal = np.zeros((round((interval.sum() + 3) * 360), 1)) if signal is None else signal
    leads = tuple(f"lead {k}" for k in range(signal.shape[1]))
    ecg = Ecg(name, 360.0, leads, ("mV",) * len(leads), len(signal), lambda a, b, k: signal[a:b, k])
    windows = np.full(-(-len(signal) // WINDOW), "ok", dtype="<U7")
    if lost:
        windows[round(lost[0] / 1.5) : round(lost[1] / 1.5)] = "flat"
    found = FoundBeats(ecg, (lead,), sample, sample, windows)
    table = pd.DataFrame(
        {
            "time_s": sample / 360,
            "sample": sample,
            "label": ["" if c == "-" else c for c in letters],
            "uncertain": [c == "-" for c in letters],
            "quality": ["noise" if c == "-" else "ok" for c in letters],
        }
    )
    return ClassifiedRecording(table, found)
