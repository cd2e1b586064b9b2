"""Stretches of a lead that are unreadable, and whether a lead is upside down."""

import numpy as np
from scipy.ndimage import median_filter

from ecglib.recordings.recording import RECORDING_FS
from ecglib.recordings.rpeaks import WINDOW, usual_height

OK, FLAT, CLIPPED, NOISE = ("ok", "flat", "clipped", "noise")
FLAT_SPAN = 0.05  # of the usual range of 1.5 s; a smaller one means that an electrode is off
CLIPPED_SHARE = 0.02  # of samples at the recording's extreme value, the recorder's limit
# Median of the filtered signal over the usual height of a beat: 0.02 in a clean lead, 0.06 with as
# much noise as signal. Few windows of MIT-BIH are above, most of them in ventricular flutter, which
# has no single beats.
NOISY = 0.12
STEADY = 5  # windows; beats in shorter noise are kept


def measure(signal: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Six numbers of each 1.5 s of one lead at 360 Hz, shape (n_windows, 6).

    Smallest and largest sample, the share of samples with each of these values, and of the
    `ecglib.recordings.rpeaks.filtered` signal ``height`` its median and the usual height of a beat.
    """
    spare = -len(signal) % WINDOW
    own = np.pad(signal, (0, spare), mode="edge").reshape(-1, WINDOW)
    low, high = own.min(axis=1), own.max(axis=1)
    at_low, at_high = ((own == extreme[:, None]).mean(axis=1) for extreme in (low, high))
    background = np.median(np.pad(height, (0, spare)).reshape(-1, WINDOW), axis=1)
    return np.stack([low, high, at_low, at_high, background, usual_height(height)], axis=1)


def classify_windows(measured: np.ndarray) -> np.ndarray:
    """Quality of each 1.5 s, shape (n_windows,): ``ok``, ``flat``, ``clipped`` or ``noise``.

    All but ``ok`` is unreadable. The usual range and the extremes are those of the whole recording.
    """
    if not len(measured):
        return np.zeros(0, dtype="<U7")
    low, high, at_low, at_high, background, usual = measured.T
    span = high - low
    usual_span = np.median(span[span > 0]) if (span > 0).any() else 0.0
    flat = span <= FLAT_SPAN * usual_span
    clipped = (at_high >= CLIPPED_SHARE) & (high == high.max())
    clipped |= (at_low >= CLIPPED_SHARE) & (low == low.min())
    share = background / np.maximum(usual, np.finfo(float).tiny)
    noise = median_filter(share, STEADY, mode="nearest") > NOISY
    return np.select([flat, clipped, noise], [FLAT, CLIPPED, NOISE], OK)


def stretches(quality: np.ndarray, duration_s: float) -> list[dict]:
    """Unreadable stretches: ``start_s``, ``end_s`` and ``quality`` of each."""
    change = np.flatnonzero(quality[1:] != quality[:-1]) + 1
    edges = [0, *change.tolist(), len(quality)]
    seconds = WINDOW / RECORDING_FS
    return [
        {
            "start_s": first * seconds,
            "end_s": min(end * seconds, duration_s),
            "quality": str(quality[first]),
        }
        for first, end in zip(edges[:-1], edges[1:], strict=True)
        if len(quality) and quality[first] != OK
    ]


def unbroken(time: np.ndarray, unreadable: list[dict]) -> np.ndarray:
    """RR intervals that do not overlap an unreadable stretch, shape (n - 1,), bool.

    Others may span undetected beats. ``time`` is that of all beats in seconds, shape (n,).
    """
    end = np.array([stretch["end_s"] for stretch in unreadable])
    start = np.array([stretch["start_s"] for stretch in unreadable] + [np.inf])
    return start[np.searchsorted(end, time[:-1], side="right")] > time[1:]


def looks_inverted(rows: np.ndarray) -> bool:
    """Whether R peak and T wave of a lead's usual beat both point down; ``rows`` are its beats.

    Some healthy leads (aVR, V1) look like this, so it is a reason to ask a person.
    """
    if len(rows) < 10:
        return False
    beat = np.median(rows, axis=0)
    baseline = np.median(beat[:60])
    t_wave = beat[12:48] - baseline  # 100 to 400 ms after the peak
    return bool(beat[0] < baseline and t_wave[np.abs(t_wave).argmax()] < 0)
