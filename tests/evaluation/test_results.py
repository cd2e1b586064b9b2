"""Saving and loading results: metrics, tables, predictions, benchmarks."""

import json

import numpy as np
import pandas as pd
import pytest

from ecglib import paths
from ecglib.beats.beats import Beats
from ecglib.evaluation import results
from ecglib.labels import CLASSES
from ecglib.paths import Run


def some_beats(n, source="folder"):
    rng = np.random.default_rng(0)
    record = np.array(["100", "x_201"])[rng.integers(0, 2, n)]
    signal = rng.random((n, 187), dtype=np.float32)
    rr = np.ones(n, np.float32)
    return Beats(signal, rng.integers(0, 5, n), record, np.arange(n) * 300, rr, rr, source=source)


@pytest.fixture
def real(tmp_path):
    return Run(str(tmp_path), some_beats(1))


@pytest.fixture
def synthetic(tmp_path):
    return Run(str(tmp_path), some_beats(1, "synthetic"))


def test_save_metrics(real, synthetic):
    pairs = {
        "a": (np.float32(0.123456789), 0.123457),
        "tiny": (1.23456789e-12, 1.23457e-12),
        "n": (np.int64(21892), 21892),
        "nothing": (np.nan, None),
        "list": (np.array([1.0, np.inf]), [1.0, None]),
        "table": (pd.DataFrame({"class": ["N"], "f1": [0.5]}), [{"class": "N", "f1": 0.5}]),
        "flag": (np.bool_(True), True),
        "text": ("ECG", "ECG"),
        "none": (None, None),
    }
    results.save_metrics(real, "02_knn", {name: value for name, (value, _) in pairs.items()})
    path = real.metrics / "02_knn.json"
    expected = {"data": "MIT-BIH"} | {name: written for name, (_, written) in pairs.items()}
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == expected
    results.save_metrics(synthetic, "02_knn", {"b": 1})
    assert json.loads(path.read_text()) == {"data": "SYNTHETIC", "b": 1}
    assert [*real.metrics.iterdir()] == [path]
    with pytest.raises(ValueError, match="another name"):
        results.save_metrics(real, "02_knn", {"data": 1})


def test_save_table_reads_back_without_options(real, synthetic):
    table = pd.DataFrame({"class": list(CLASSES), "f1": [0.123456789, 1, 0.5, 0, np.nan]})
    table = table.set_index("class")
    assert results.save_table(synthetic, "classes", table) is table
    read = pd.read_csv(real.metrics / "classes.csv")
    assert list(read["class"]) == list(CLASSES) and set(read["data"]) == {"SYNTHETIC"}
    np.testing.assert_allclose(read["f1"], table["f1"], atol=1e-6)
    results.save_table(real, "plain", pd.DataFrame({"x": [1, 2]}))
    assert list(pd.read_csv(real.metrics / "plain.csv").columns) == ["x", "data"]


def test_predictions_come_back(real):
    beats = some_beats(50)[[40, 3, 17]]
    proba = np.random.default_rng(0).dirichlet(np.ones(5), 3)
    results.save_predictions(real, "KNN", "test", beats, proba)
    read = results.load_predictions(real, "KNN", "test", beats)
    np.testing.assert_array_equal(read["record"], beats.record)
    np.testing.assert_array_equal(read["label"], beats.label)
    np.testing.assert_allclose(read["proba"], proba, rtol=1e-6)
    assert read["proba"].dtype == np.float32 and str(read["data"]) == "MIT-BIH"
    with np.load(real.predictions / "KNN_test.npz", allow_pickle=False) as stored:
        assert not any(stored[name].dtype.hasobject for name in stored.files)


def test_predictions_that_do_not_fit(synthetic):
    beats = some_beats(2, "synthetic")
    with pytest.raises(FileNotFoundError, match="02 and 03"):
        results.load_predictions(synthetic, "KNN", "test", beats)
    with pytest.raises(ValueError, match="1 predictions for 2 beats"):
        results.save_predictions(synthetic, "KNN", "test", beats, np.eye(5)[:1])
    results.save_predictions(synthetic, "KNN", "test", beats, np.eye(5)[:2])
    assert str(results.load_predictions(synthetic, "KNN", "test", beats)["data"]) == "SYNTHETIC"
    with pytest.raises(ValueError, match="another protocol"):
        results.load_predictions(synthetic, "KNN", "test", beats[[1, 0]])


@pytest.mark.parametrize("left", [0, 50, 300])
def test_damaged_predictions_and_those_of_other_beats_are_skipped(real, left):
    beats = some_beats(10)
    for name, own in {"knn": beats, "compact": beats, "sampled": beats[:4]}.items():
        results.save_predictions(real, name, "test", own, np.full((len(own), 5), 0.2))
    path = real.predictions / "knn_test.npz"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match="knn_test.npz is damaged"):
        results.load_predictions(real, "knn", "test", beats)
    assert list(results.find_predictions(real, "test", beats)) == ["compact"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project to look for results in."""
    for module in (paths, results):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "outputs" / "patients" / "metrics").mkdir(parents=True)
    return tmp_path


def test_model_comparison_comes_from_the_run_or_the_benchmark(project):
    folder = project / "benchmarks" / "results"
    table, origin = results.model_comparison("patients")
    assert table is None and "--profile patients" in origin
    leak = {"protocol": ["patients", "kaggle"], "model": "KNN", "beats_asked": "all", "seed": 0}
    pd.DataFrame(leak | {"macro_f1": [0.5, 0.9]}).to_csv(folder / "leak.csv", index=False)
    table, origin = results.model_comparison("patients")
    assert table["macro_f1"].tolist() == [0.5] and "leak.csv" in origin
    more = pd.DataFrame({"model": ["KNN", "rhythm"], "macro_f1": [0.51, 0.9]})
    more.to_csv(folder / "patients.csv", index=False)
    assert results.model_comparison("patients")[0]["macro_f1"].tolist() == [0.51, 0.9]
    own = pd.DataFrame({"model": ["compact"], "macro_f1": [0.6]})
    own.to_csv(project / "outputs" / "patients" / "metrics" / "04_ladder.csv", index=False)
    table, origin = results.model_comparison("patients")
    assert table["model"].tolist() == ["KNN", "compact", "rhythm"] and "leak" not in origin


def test_new_rows_of_a_benchmark_replace_old_ones(project):
    first = pd.DataFrame({"seconds": [1.0, 2.0], "model": ["b", "a"]})
    results.keep_benchmark("speed", first, ["model"])
    results.keep_benchmark("speed", pd.DataFrame({"model": ["b"], "seconds": [3.0]}), ["model"])
    table = results.read_benchmark("speed").to_dict("list")
    assert table == {"model": ["a", "b"], "seconds": [2.0, 3.0]}
