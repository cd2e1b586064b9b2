"""Events of a classified recording: couplets, runs, bigeminy, pauses; its rates and counts."""

import json
import math
import re

import numpy as np
import pandas as pd

from ecglib.labels import CLASSES
from ecglib.models.recordings import ClassifiedRecording

PAUSE_S = 2.0  # an RR interval as long as this is a pause
RATE_BEATS = 8  # whose mean RR interval is a heart rate
# Patterns in the string of classes, where "-" is an unreadable beat. The usual definitions: two in
# a row are a couplet, three a run; three alternations are a bigeminy or trigeminy.
PATTERNS = {
    "V run": "V{3,}",
    "V couplet": "(?<!V)VV(?!V)",
    "S run": "S{3,}",
    "S couplet": "(?<!S)SS(?!S)",
    "bigeminy": "(?:[NQ]V){3,}",
    "trigeminy": "(?:[NQ]{2}V){3,}",
}
DISCLAIMER = "Education and research only. Not a medical device: do not use it for patient care."


def events(recording: ClassifiedRecording) -> pd.DataFrame:
    """One row for each event in time order.

    Columns are ``event`` (a key of ``PATTERNS``, ``pause``, ``longest RR``), ``start_s``,
    ``end_s``, ``beats`` and ``rate_bpm`` (NaN for single intervals).
    """
    table, rr = recording.table, recording.rr
    time = table["time_s"].to_numpy()
    # An unknown interval may hide beats, so it ends a run.
    pieces = [
        (label or "-") + "-" * bool(np.isnan(interval))
        for label, interval in zip(table["label"], rr, strict=True)
    ]
    letters, beat = "".join(pieces), np.repeat(np.arange(len(table)), [len(p) for p in pieces])
    rows = []
    for name, pattern in PATTERNS.items():
        for found in re.finditer(pattern, letters):
            first, last = beat[found.start()], beat[found.end() - 1]
            rate = 60 * (last - first) / (time[last] - time[first])
            rows.append((name, time[first], time[last], last - first + 1, rate))
    if np.isfinite(rr).any():
        longest = int(np.nanargmax(rr))
        pauses = [("pause", k) for k in np.flatnonzero(rr >= PAUSE_S)]
        for name, k in [*pauses, ("longest RR", longest)]:
            rows.append((name, time[k], time[k] + rr[k], 2, np.nan))
    columns = ["event", "start_s", "end_s", "beats", "rate_bpm"]
    return pd.DataFrame(rows, columns=columns).sort_values("start_s", ignore_index=True)


def heart_rate(recording: ClassifiedRecording, every_s: float = 60.0) -> pd.DataFrame:
    """Heart rate over time: ``start_s`` and the mean, lowest and highest rate in bpm.

    Lowest and highest are means of eight beats. Unknown RR intervals are left out.
    """
    rr = pd.Series(recording.rr)
    rates = pd.DataFrame(
        {
            "start_s": recording.table["time_s"] // every_s * every_s,
            "rr": rr,
            "rate": 60 / rr.rolling(RATE_BEATS, min_periods=RATE_BEATS).mean(),
        }
    ).dropna(subset="rr")
    groups = rates.groupby("start_s")
    return pd.DataFrame(
        {
            "mean_bpm": 60 / groups["rr"].mean(),
            "lowest_bpm": groups["rate"].min(),
            "highest_bpm": groups["rate"].max(),
        }
    ).reset_index()


def summarise(recording: ClassifiedRecording) -> dict:
    """The report as numbers and texts that JSON can hold.

    Parameters
    ----------
    recording : ClassifiedRecording

    Returns
    -------
    dict
        ``recording``, ``classes`` (beats, share, per hour), ``burden`` of V and S (share of the
        readable beats), ``heart_rate``, ``events`` (how many, and each with its times).
    """
    table, unreadable = recording.table, recording.unreadable
    readable = int((table["label"] != "").sum())
    unreadable_s = sum(part["end_s"] - part["start_s"] for part in unreadable)
    hours = max(recording.duration_s - unreadable_s, 1e-9) / 3600
    counts = {name: int((table["label"] == name).sum()) for name in CLASSES}
    share = {name: count / readable if readable else 0.0 for name, count in counts.items()}
    rates, found, rr = heart_rate(recording), events(recording), recording.rr
    report = {
        "recording": {
            "name": recording.name,
            "fs": recording.fs,
            "lead": ", ".join(recording.leads),
            "duration_s": recording.duration_s,
            "beats": len(table),
            "with_verdict": readable,
            "unreadable_s": unreadable_s,
            "unreadable": unreadable,
            "assumed": recording.assumed,
            "warnings": recording.warnings,
        },
        "classes": {
            name: {"beats": counts[name], "share": share[name], "per_hour": counts[name] / hours}
            for name in CLASSES
        },
        "burden": {"V": share["V"], "S": share["S"]},
        "uncertain": int(table["uncertain"].sum()),
        "heart_rate": {
            "mean_bpm": 60 / np.nanmean(rr) if np.isfinite(rr).any() else None,
            "lowest_bpm": rates["lowest_bpm"].min(),
            "highest_bpm": rates["highest_bpm"].max(),
            "per_minute": rates.to_dict("records"),
        },
        "events": {
            "counts": {name: int((found["event"] == name).sum()) for name in [*PATTERNS, "pause"]},
            "list": found.to_dict("records"),
        },
        "disclaimer": DISCLAIMER,
    }
    return _without_nan(json.loads(json.dumps(report, default=float)))


def _without_nan(value):
    """The same JSON-like value with None for NaN and infinity, which JSON can't hold."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
