"""A beat's context: the same at any rate, gain and lead sign; blind to what it must not see."""

import numpy as np
import pytest

from ecglib.models.patientwise.morphology import MORPHOLOGY, even_out, morphology_features
from ecglib.models.patientwise.rhythm_features import RR_FEATURES, rr_features

FS = 360


def trace(times: np.ndarray, wide: np.ndarray, fs: int = FS) -> np.ndarray:
    """Bumps for P, QRS and T at these times; wide ones without P."""
    time = np.arange(int((times[-1] + 1) * fs)) / fs
    signal = np.zeros(len(time))
    for at, is_wide in zip(times, wide, strict=True):
        waves = [(0.0, 0.04, 1.5), (0.3, 0.05, -0.4)] if is_wide else []
        waves = waves or [(-0.16, 0.02, 0.15), (0.0, 0.012, 1.0), (0.28, 0.04, 0.3)]
        for delay, spread, height in waves:
            near = np.abs(time - at - delay) < 6 * spread
            signal[near] += height * np.exp(-0.5 * ((time[near] - at - delay) / spread) ** 2)
    return signal + np.random.default_rng(0).normal(0, 0.01, len(signal))


@pytest.fixture(scope="module")
def beats() -> tuple[np.ndarray, np.ndarray]:
    """Two minutes in which more than half of the beats are wide."""
    times = 1 + 0.8 * np.arange(150)
    return times, np.arange(150) % 5 > 1


def shape(signal: np.ndarray, times: np.ndarray, fs: float = FS) -> dict[str, np.ndarray]:
    peaks = np.rint(times * 120).astype(int)
    return dict(zip(MORPHOLOGY, morphology_features(even_out(signal, fs), peaks).T, strict=True))


def test_the_typical_beat_is_the_narrow_one_even_when_outnumbered(beats) -> None:
    times, wide = beats
    found = shape(trace(times, wide), times)
    assert (found["qrs_corr"][~wide] > 0.98).all()
    assert (found["qrs_corr"][wide] < 0.9).all()
    assert found["quarter_width"][wide].min() > 1.5 * found["quarter_width"][~wide].max()


@pytest.mark.parametrize("fs", [128, 257, 500])
def test_the_sampling_rate_hardly_matters(beats, fs) -> None:
    times, wide = beats
    ours, other = shape(trace(times, wide), times), shape(trace(times, wide, fs), times, fs)
    for name in ("qrs_corr", "half_width_ratio", "t_corr", "qrs_amplitude"):
        assert np.median(np.abs(ours[name] - other[name])) < 0.05, name


def test_the_unit_and_small_errors_of_the_marks_do_not_matter(beats) -> None:
    times, wide = beats
    signal = trace(times, wide)
    found = shape(signal, times)
    assert shape(200 * signal + 1024, times)["qrs_corr"] == pytest.approx(found["qrs_corr"])
    moved = shape(signal, times + 0.02)
    assert np.abs(moved["qrs_corr"] - found["qrs_corr"]).max() < 0.02


def test_bigeminy_is_regular_and_fibrillation_is_not() -> None:
    rng = np.random.default_rng(0)
    bigeminy = np.cumsum(np.tile([0.6, 1.0], 100) + rng.normal(0, 0.01, 200))
    fibrillation = np.cumsum(rng.uniform(0.5, 1.1, 200))
    for name in ("recent", "nearest"):
        column = RR_FEATURES.index(name)
        regular = rr_features(bigeminy)[:, column]
        assert regular.max() < rr_features(fibrillation)[:, column].min()


def test_ectopic_beats_leave_the_average() -> None:
    """What is early is measured against the beats that neither come early nor follow a pause."""
    early = np.arange(300) % 3 == 1
    seconds = np.cumsum(np.tile([0.8, 0.5, 0.7], 100))
    column = RR_FEATURES.index("rr_mean32")
    told = rr_features(seconds, early.astype(float))[early, column]
    untold = rr_features(seconds)[early, column]
    assert told[50:] == pytest.approx(np.log(0.5 / 0.8), abs=1e-3)
    assert untold[50:] == pytest.approx(np.log(0.5 / (2.0 / 3)), abs=0.02)
