"""Calibration, temperature, and the gain of leaving uncertain beats unclassified."""

import numpy as np
import pytest

from ecglib.metrics.calibration import (
    calibration_bins,
    calibration_errors,
    fit_temperature,
    risk_coverage,
    uncertain_beats,
    uncertainty_threshold,
)
from predictions import draw, one_hot

pytestmark = pytest.mark.usefixtures("no_warnings")


def test_calibration_bins():
    y = np.array([0, 0, 0, 1])
    p = np.array([[0.9, 0.1, 0, 0, 0]] * 4)
    bins = calibration_bins(y, p)
    assert bins["beats"].sum() == 4 and bins.loc[13, "beats"] == 4
    assert bins.loc[13, "accuracy"] == 0.75 and np.isnan(bins.loc[0, "accuracy"])
    assert calibration_errors(bins) == pytest.approx({"ece": 0.15, "mce": 0.15})
    event = calibration_bins(np.array([True, False]), np.array([1.0, 0.0]))
    assert event["beats"].iloc[[0, -1]].tolist() == [1, 1]  # 1.0 falls into the last bin
    assert calibration_errors(event)["mce"] == 0.0


def test_well_calibrated_probabilities_have_small_errors():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.full(5, 0.3), 20_000)
    y = (p.cumsum(1) > rng.random((20_000, 1))).argmax(1)
    assert calibration_errors(calibration_bins(y, p))["ece"] < 0.02


def test_temperature_is_found_again():
    y, p = draw(20_000)
    true = fit_temperature(np.log(p), y)
    assert fit_temperature(2.5 * np.log(p), y) == pytest.approx(2.5 * true, rel=1e-3)


def test_threshold_reaches_the_accuracy():
    y, p = draw()
    threshold = uncertainty_threshold(p, y, 0.97)
    right, certain = p.argmax(1) == y, p.max(1) >= threshold
    assert 0.97 <= right[certain].mean() < 0.972 and right.mean() < 0.97
    equal, y = one_hot([0, 0, 0, 0]) * 0.8 + 0.04, np.array([0, 0, 0, 1])
    assert uncertainty_threshold(equal, y, 0.7) == equal.max()
    assert uncertainty_threshold(equal, y, 0.8) == 1.0  # not even for the first three beats


def test_uncertain_beats():
    proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.55, 0.45], [0.2, 0.8]])
    found = uncertain_beats(np.array([0, 1, 0, 1]), proba, 0.7)
    assert found == {
        "threshold": 0.7,
        "uncertain": 0.5,
        "accuracy": 0.75,
        "accuracy_certain": 1.0,
        "accuracy_uncertain": 0.5,
        "errors_caught": 1.0,
    }
    assert np.isnan(uncertain_beats(np.array([0]), proba[:1], 0.5)["accuracy_uncertain"])


def test_risk_falls_with_coverage_to_that_of_the_surest():
    y, p = draw()
    curve = risk_coverage(y, p)
    wrong = p.argmax(1) != y
    assert curve["coverage"].iloc[-1] == 1
    assert curve["risk"].iloc[-1] == pytest.approx(wrong.mean())
    for row in curve.iloc[[20, 100]].itertuples():
        kept = p.max(1) >= row.threshold
        assert row.coverage == pytest.approx(kept.mean())
        assert row.risk == pytest.approx(wrong[kept].mean())
    assert curve["threshold"].is_monotonic_decreasing
    perfect = risk_coverage(y, one_hot(y))
    assert (perfect["risk"] == 0).all()
    assert len(risk_coverage(y[:3], p[:3])) == 3
