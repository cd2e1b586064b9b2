"""Where a lead carries no ECG that a verdict could rest on, and whether it is upside down."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from ecglib.recordings.rpeaks import WINDOW, usual_height

OK, FLAT, CLIPPED, NOISE = KINDS = ("ok", "flat", "clipped", "noise")
FLAT_SPAN = 0.05  # of the usual range of 1.5 s: less is no signal, as when an electrode is off
CLIPPED_SHARE = 0.02  # of the samples at the recording's extreme value: a recorder's limit
# Median of the QRS filter over the usual height of a beat: 0.02 in a clean lead and 0.06 with as
# much noise as signal. Few of MIT-BIH's windows are above, mostly of ventricular flutter, which has
# no single beats either.
NOISY = 0.12
STEADY = 5  # windows: shorter noise is not worth losing beats for


@dataclass(frozen=True)
class Windows:
    """What is measured in each 1.5 s of a lead; arrays of shape (n_windows,).

    Attributes
    ----------
    low, high : ndarray
        Smallest and largest sample.
    at_low, at_high : ndarray
        Share of the samples with these values.
    background : ndarray
        Median of the signal after the QRS filter.
    usual : ndarray
        Usual height of a beat after that filter.
    """

    low: np.ndarray
    high: np.ndarray
    at_low: np.ndarray
    at_high: np.ndarray
    background: np.ndarray
    usual: np.ndarray


def measure(signal: np.ndarray, height: np.ndarray) -> Windows:
    """Measure windows of 1.5 s.

    Parameters
    ----------
    signal : ndarray, shape (n_samples,)
        One lead at 360 Hz.
    height : ndarray, shape (n_samples,)
        The same after `ecglib.recordings.rpeaks.filtered`.
    """
    spare = -len(signal) % WINDOW
    own = np.pad(signal, (0, spare), mode="edge").reshape(-1, WINDOW)
    low, high = own.min(axis=1), own.max(axis=1)
    return Windows(
        low=low,
        high=high,
        at_low=(own == low[:, None]).mean(axis=1),
        at_high=(own == high[:, None]).mean(axis=1),
        background=np.median(np.pad(height, (0, spare)).reshape(-1, WINDOW), axis=1),
        usual=usual_height(height),
    )


def join(parts: list[Windows]) -> Windows:
    """Windows of consecutive blocks as one."""
    names = Windows.__dataclass_fields__
    return Windows(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def judge(windows: Windows) -> np.ndarray:
    """Quality of each window, shape (n_windows,): ``ok``, ``flat``, ``clipped`` or ``noise``.

    In all but ``ok`` there is no verdict. The whole recording is the measure of what is usual.
    """
    if not len(windows.low):
        return np.zeros(0, dtype="<U7")
    span = windows.high - windows.low
    usual_span = np.median(span[span > 0]) if (span > 0).any() else 0.0
    flat = span <= FLAT_SPAN * usual_span
    clipped = (windows.at_high >= CLIPPED_SHARE) & (windows.high == windows.high.max())
    clipped |= (windows.at_low >= CLIPPED_SHARE) & (windows.low == windows.low.min())
    share = windows.background / np.maximum(windows.usual, np.finfo(float).tiny)
    noise = median_filter(share, STEADY, mode="nearest") > NOISY
    return np.select([flat, clipped, noise], [FLAT, CLIPPED, NOISE], OK)


def stretches(quality: np.ndarray, duration_s: float) -> list[dict]:
    """Stretches without a verdict: ``start_s``, ``end_s`` and ``quality`` of each."""
    change = np.flatnonzero(quality[1:] != quality[:-1]) + 1
    edges = [0, *change.tolist(), len(quality)]
    seconds = WINDOW / 360
    return [
        {
            "start_s": first * seconds,
            "end_s": min(end * seconds, duration_s),
            "quality": str(quality[first]),
        }
        for first, end in zip(edges[:-1], edges[1:], strict=True)
        if len(quality) and quality[first] != OK
    ]


def unbroken(time: np.ndarray, mute: list[dict]) -> np.ndarray:
    """Which intervals between beats, shape (n - 1,), touch no stretch without a verdict.

    The others may hold beats that nobody saw.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Of all beats in seconds, in order.
    mute : list of dict
        From :func:`stretches`.
    """
    end = np.array([stretch["end_s"] for stretch in mute])
    start = np.array([stretch["start_s"] for stretch in mute] + [np.inf])
    return start[np.searchsorted(end, time[:-1], side="right")] > time[1:]


def looks_inverted(rows: np.ndarray) -> bool:
    """Whether a lead seems to be upside down: the usual beat's R peak and T wave both point down.

    Parameters
    ----------
    rows : ndarray, shape (n, 187)
        Beats of the recording, from the R peak on. Some healthy leads (aVR, V1) look like this by
        nature, so it is a reason to ask, not to act.
    """
    if len(rows) < 10:
        return False
    beat = np.median(rows, axis=0)
    baseline = np.median(beat[:60])
    t_wave = beat[12:48] - baseline  # 100 to 400 ms after the peak
    return bool(beat[0] < baseline and t_wave[np.abs(t_wave).argmax()] < 0)
