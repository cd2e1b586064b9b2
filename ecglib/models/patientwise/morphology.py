"""Morphology features for new patients: a beat compared with the patient's own typical beat.

The difference from the typical beat carries over between patients: QRS width, amplitude, area and
slope, P and T wave. The typical beat is the *narrow* one as long as it is not rare, rather than the
most frequent one. Nearly all features are ratios, differences or correlations.

All is computed at 120 Hz and below 40 Hz, so that recordings of any sampling rate look alike.
"""

from fractions import Fraction

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import filtfilt, firwin, resample_poly

from ecglib.models.patientwise.rhythm_features import around

FS = 120  # Hz
HIGHEST_HZ = 40
BEFORE, AFTER = 38, 55  # samples of a beat before and after its R peak: 0.32 s and 0.46 s
SLACK = 5  # samples by which a mark may be off: 42 ms
ALIKE = 0.88  # correlation of beats of one kind
NARROWER_S = 0.025  # by which a common kind must be narrower to be the typical one

MORPHOLOGY = (
    *("qrs_corr", "qrs_diff", "qrs_unusual", "qrs_amplitude", "qrs_area", "qrs_slope", "qrs_net"),
    *("half_width", "quarter_width", "half_width_ratio", "quarter_width_ratio", "spread"),
    *("t_corr", "t_unusual", "t_net", "p_corr", "p_unusual", "p_around"),
    *("previous_corr", "next_corr", "common", "nearby"),
)


def _part(start_s: float, stop_s: float) -> slice:
    """Part of a beat, in seconds from its R peak."""
    return slice(BEFORE + round(start_s * FS), BEFORE + round(stop_s * FS) + 1)


QRS, WIDE_QRS, BODY = _part(-0.10, 0.12), _part(-0.10, 0.16), _part(-0.10, 0.20)
P_WAVE, T_WAVE = _part(-0.27, -0.07), _part(0.14, 0.42)


def even_out(signal: np.ndarray, fs: float) -> np.ndarray:
    """One lead at 120 Hz, low-pass filtered at 40 Hz, without its baseline.

    Two median filters of 0.2 s (no QRS complex) and 0.6 s (no T wave) give the baseline, as in
    de Chazal, O'Dwyer and Reilly (2004).
    """
    signal = np.asarray(signal, dtype=np.float64)
    ratio = Fraction(FS / fs).limit_denominator(1000)
    signal = resample_poly(signal - np.median(signal), ratio.numerator, ratio.denominator)
    signal = filtfilt(firwin(31, HIGHEST_HZ, fs=FS), 1, signal, padlen=min(93, len(signal) - 1))
    baseline = median_filter(median_filter(signal, 25), 73)
    return signal - uniform_filter1d(baseline, 25)


def morphology_features(signal: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Features in the order of ``MORPHOLOGY``, shape (n, 22), of R peaks in an evened-out lead."""
    return compare(*cut_wide(signal, peaks))


def cut_wide(signal: np.ndarray, peaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Beats, shape (n, 104), and their QRS complexes at 11 shifts, (n, 11, 27), for `compare`.

    Beats are centred on the largest deflection near the R peak and have ``SLACK`` more samples on
    either side. QRS complexes have length 1, so that products are correlations.
    """
    near = _cut(signal, peaks, 0)[:, BEFORE - SLACK : BEFORE + SLACK + 1]
    beats = _cut(signal, peaks + np.abs(near).argmax(axis=1) - SLACK, SLACK)
    starts = slice(QRS.start, QRS.start + 2 * SLACK + 1)
    return beats, _unit(sliding_window_view(beats, QRS.stop - QRS.start, axis=1)[:, starts])


def compare(beats: np.ndarray, shifted: np.ndarray) -> np.ndarray:
    """Features in the order of ``MORPHOLOGY``, shape (n, 22), of beats from `cut_wide`."""
    beats, typical = _aligned(beats, shifted)
    of_kind = _typical_kind(beats)
    scale = np.ptp(typical[QRS]) + 1e-9
    beats, typical = beats / scale, typical / scale

    def unusual(part: slice, floor: float) -> tuple[np.ndarray, np.ndarray]:
        """Distance from the typical beat, and its log ratio to the usual distance."""
        distance = _rms(beats[:, part] - typical[part])
        return distance, np.log(distance / (np.median(distance[of_kind]) + floor) + 0.05)

    qrs_diff, qrs_unusual = unusual(QRS, 0.01)
    _, t_unusual = unusual(T_WAVE, 0.01)
    p, typical_p = _straightened(beats[:, P_WAVE]), _straightened(typical[P_WAVE])
    p_diff = _rms(p - typical_p)
    p_corr = _unit(p) @ _unit(typical_p)
    wide, typical_wide = beats[:, WIDE_QRS], typical[WIDE_QRS]
    body = _unit(beats[:, BODY])
    to_next = (body[1:] * body[:-1]).sum(axis=1)
    some = np.unique(np.linspace(0, len(body) - 1, 800).astype(int))
    near = np.arange(len(body))[:, None] + np.append(np.arange(-16, 0), np.arange(1, 17))
    near = body[np.clip(near, 0, len(body) - 1)]
    half, quarter = width(beats, 0.5), width(beats, 0.25)
    columns = [
        _unit(beats[:, QRS]) @ _unit(typical[QRS]),
        np.log(qrs_diff + 0.01),
        qrs_unusual,
        np.log(np.ptp(beats[:, QRS], axis=1) + 0.01),
        np.log(np.abs(wide).mean(axis=1) / np.abs(typical_wide).mean() + 0.01),
        np.log(_steepest(beats[:, QRS]) / _steepest(typical[QRS]) + 0.01),
        wide.mean(axis=1) - typical_wide.mean(),
        half,
        quarter,
        np.log(half / width(typical[None], 0.5) + 0.01),
        np.log(quarter / width(typical[None], 0.25) + 0.01),
        np.log(_spread(beats) / _spread(typical)),
        _unit(beats[:, T_WAVE]) @ _unit(typical[T_WAVE]),
        t_unusual,
        (beats[:, T_WAVE] - typical[T_WAVE]).mean(axis=1),
        p_corr,
        np.log(p_diff / (np.median(p_diff[of_kind]) + 0.005) + 0.05),
        np.quantile(around(p_corr), 0.75, axis=1),  # atrial fibrillation has no P wave
        np.append(1.0, to_next),
        np.append(to_next, 1.0),
        (body @ body[some].T > 0.92).mean(axis=1),
        np.sort(np.einsum("nkt,nt->nk", near, body), axis=1)[:, -8:].mean(axis=1),
    ]
    return np.stack(columns, axis=1)


def _aligned(beats: np.ndarray, shifted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Beats, shape (n, 94), with their QRS complexes aligned, and the typical beat.

    Annotators of other databases and detectors place the R peak some samples off.
    """
    length = BEFORE + AFTER + 1
    middle = beats[:, SLACK : SLACK + length]
    best = (shifted @ _unit(np.median(middle[_typical_kind(middle)], axis=0)[QRS])).argmax(axis=1)
    beats = beats[np.arange(len(beats))[:, None], best[:, None] + np.arange(length)]
    return beats, np.median(beats[_typical_kind(beats)], axis=0)


def _typical_kind(beats: np.ndarray) -> np.ndarray:
    """Which beats are of the patient's typical kind, shape (n,), bool.

    Of the kinds that make up a tenth of the beats or more, the most frequent, or one that is
    clearly narrower: ventricular beats may be frequent, but they are not narrow.
    """
    shape = _unit(beats[:, QRS])
    some = np.unique(np.linspace(0, len(beats) - 1, 300).astype(int))
    left, chosen, narrowest = np.ones(len(beats), dtype=bool), None, np.inf
    for _ in range(6):
        seeds = some[left[some]]
        if not len(seeds):
            break
        alike = shape[seeds] @ shape[seeds].T > 0.9
        middle = shape[seeds[alike[alike.sum(axis=1).argmax()]]].mean(axis=0)
        kind = left & (shape @ _unit(middle) > ALIKE)
        if kind.sum() < max(3, 0.1 * len(beats)):
            break
        own = width(np.median(beats[kind], axis=0)[None], 0.25)[0]
        if chosen is None or own < narrowest - NARROWER_S:
            chosen, narrowest = kind, own
        left &= ~kind
    return np.ones(len(beats), dtype=bool) if chosen is None else chosen


def width(beats: np.ndarray, height: float) -> np.ndarray:
    """Width in seconds, shape (n,), of each QRS complex at a share of its height."""
    size = np.abs(beats)
    row, time = np.arange(len(beats)), np.arange(beats.shape[1])
    peak = size[:, BEFORE - 8 : BEFORE + 9].argmax(axis=1) + BEFORE - 8
    level = size[row, peak] * height
    below = size < level[:, None]
    last = np.where(below & (time > peak[:, None]), time, len(time) - 1).min(axis=1)
    first = np.where(below & (time < peak[:, None]), time, 0).max(axis=1)

    def crossing(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
        drop = np.maximum(size[row, inside] - size[row, outside], 1e-9)
        return np.clip((size[row, inside] - level) / drop, 0, 1)

    right = last - 1 + crossing(last - 1, last)
    return (right - (first + 1 - crossing(first + 1, first))) / FS


def _spread(beats: np.ndarray) -> np.ndarray:
    """How widely a QRS complex is spread in time: a width that needs no edges."""
    size = np.abs(beats[..., BEFORE - 12 : BEFORE + 20]) + 1e-6
    time = np.arange(size.shape[-1])
    middle = (size * time).sum(-1) / size.sum(-1)
    return np.sqrt((size * (time - middle[..., None]) ** 2).sum(-1) / size.sum(-1))


def _cut(signal: np.ndarray, peaks: np.ndarray, more: int) -> np.ndarray:
    window = np.arange(-BEFORE - more, AFTER + more + 1)
    return signal[np.clip(peaks[:, None] + window, 0, len(signal) - 1)]


def _unit(waves: np.ndarray) -> np.ndarray:
    """Waves without their mean and of length 1, so that products are correlations."""
    waves = waves - waves.mean(axis=-1, keepdims=True)
    return waves / (np.linalg.norm(waves, axis=-1, keepdims=True) + 1e-9)


def _straightened(waves: np.ndarray) -> np.ndarray:
    """Waves without their mean and slope: a P wave often rides on a falling T wave."""
    line = np.linspace(-1, 1, waves.shape[-1])
    waves = waves - waves.mean(axis=-1, keepdims=True)
    return waves - ((waves @ line) / (line @ line))[..., None] * line


def _rms(waves: np.ndarray) -> np.ndarray:
    return np.sqrt((waves**2).mean(axis=-1))


def _steepest(waves: np.ndarray) -> np.ndarray:
    return np.abs(np.diff(waves, axis=-1)).max(axis=-1) + 1e-9
