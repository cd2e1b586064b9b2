"""What a run writes down and finds again: metrics, tables, predictions, benchmarks."""

import json

import numpy as np
import pandas as pd
import pytest

from ecglib.beats.beats import Beats
from ecglib.evaluation import results
from ecglib.labels import CLASSES
from ecglib.paths import Run


def some_beats(n, source="folder"):
    rng = np.random.default_rng(0)
    return Beats(
        signal=rng.random((n, 187), dtype=np.float32),
        label=rng.integers(0, 5, n),
        record=np.array(["100", "x_201"])[rng.integers(0, 2, n)],
        sample=np.arange(n) * 300,
        rr_before=np.ones(n, np.float32),
        rr_after=np.ones(n, np.float32),
        source=source,
    )


def test_save_metrics(tmp_path):
    run = Run(str(tmp_path))
    values = {
        "a": np.float32(0.123456789),
        "tiny": 1.23456789e-12,
        "n": np.int64(21892),
        "nothing": np.nan,
        "list": np.array([1.0, np.inf]),
        "table": pd.DataFrame({"class": ["N"], "f1": [0.5]}),
        "flag": np.bool_(True),
        "text": "ECG",
        "none": None,
    }
    results.save_metrics(run, "02_knn", values, synthetic=False)
    text = (run.metrics / "02_knn.json").read_text()
    read = json.loads(text)
    assert read["data"] == "MIT-BIH" and "NaN" not in text and "Infinity" not in text
    assert (read["a"], read["tiny"], read["n"]) == (0.123457, 1.23457e-12, 21892)
    assert read["nothing"] is None and read["list"] == [1.0, None] and read["none"] is None
    assert read["table"] == [{"class": "N", "f1": 0.5}] and read["flag"] is True
    results.save_metrics(run, "02_knn", {"b": 1}, synthetic=True)
    assert json.loads((run.metrics / "02_knn.json").read_text()) == {"data": "SYNTHETIC", "b": 1}
    assert [f.name for f in run.metrics.iterdir()] == ["02_knn.json"]
    with pytest.raises(ValueError, match="another name"):
        results.save_metrics(run, "02_knn", {"data": 1}, synthetic=True)


def test_save_table_reads_back_without_options(tmp_path):
    run = Run(str(tmp_path))
    table = pd.DataFrame({"class": list(CLASSES), "f1": [0.123456789, 1, 0.5, 0, np.nan]})
    table = table.set_index("class")
    assert results.save_table(run, "classes", table, synthetic=True) is table
    read = pd.read_csv(run.metrics / "classes.csv")
    assert list(read["class"]) == list(CLASSES) and set(read["data"]) == {"SYNTHETIC"}
    np.testing.assert_allclose(read["f1"], table["f1"], atol=1e-6)
    results.save_table(run, "plain", pd.DataFrame({"x": [1, 2]}), synthetic=False)
    assert list(pd.read_csv(run.metrics / "plain.csv").columns) == ["x", "data"]


def test_predictions_come_back(tmp_path):
    run, beats = Run(str(tmp_path)), some_beats(50)
    index = np.array([40, 3, 17])
    proba = np.random.default_rng(0).dirichlet(np.ones(5), 3)
    results.save_predictions(run, "KNN", "test", beats, index, proba)
    read = results.load_predictions(run, "KNN", "test", beats, index)
    np.testing.assert_array_equal(read["record"], beats.record[index])
    np.testing.assert_array_equal(read["label"], beats.label[index])
    np.testing.assert_allclose(read["proba"], proba, rtol=1e-6)
    assert read["proba"].dtype == np.float32 and str(read["data"]) == "MIT-BIH"
    with np.load(run.predictions / "KNN_test.npz", allow_pickle=False) as stored:
        assert not any(stored[name].dtype.hasobject for name in stored.files)


def test_predictions_that_do_not_fit(tmp_path):
    run, beats = Run(str(tmp_path)), some_beats(50, source="synthetic")
    with pytest.raises(FileNotFoundError, match="02 and 03"):
        results.load_predictions(run, "KNN", "test")
    with pytest.raises(ValueError, match="1 predictions for 2 beats"):
        results.save_predictions(run, "KNN", "test", beats, np.array([0, 1]), np.eye(5)[:1])
    results.save_predictions(run, "KNN", "test", beats, np.array([0, 1]), np.eye(5)[:2])
    assert str(results.load_predictions(run, "KNN", "test")["data"]) == "SYNTHETIC"
    with pytest.raises(ValueError, match="another protocol"):
        results.load_predictions(run, "KNN", "test", beats, np.array([1, 0]))


def test_predictions_of_other_beats_are_passed_over(tmp_path):
    run, beats = Run(str(tmp_path)), some_beats(20)
    index = np.arange(5, 15)
    results.save_predictions(run, "knn", "test", beats, index, np.full((10, 5), 0.2))
    results.save_predictions(run, "sampled", "test", beats, index[:4], np.full((4, 5), 0.2))
    assert list(results.find_predictions(run, "test", beats, index)) == ["knn"]


@pytest.mark.parametrize("left", [0, 50, 300])
def test_damaged_predictions_are_refused_and_passed_over(tmp_path, left):
    run, beats = Run(str(tmp_path)), some_beats(20)
    index = np.arange(5, 15)
    results.save_predictions(run, "knn", "test", beats, index, np.full((10, 5), 0.2))
    path = run.predictions / "knn_test.npz"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match="knn_test.npz is damaged"):
        results.load_predictions(run, "knn", "test")
    assert results.find_predictions(run, "test", beats, index) == {}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project to look for results in."""
    monkeypatch.setattr("ecglib.paths.ROOT", tmp_path)
    monkeypatch.setattr("ecglib.paths.ROOT", tmp_path)
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "outputs" / "patients" / "metrics").mkdir(parents=True)
    return tmp_path


def test_ladder_of_another_protocol_comes_from_its_run_or_from_the_benchmark(project):
    folder = project / "benchmarks" / "results"
    table, origin = results.ladder_of("patients")
    assert table is None and "--profile patients" in origin
    leak = {"protocol": ["patients", "kaggle"], "model": "KNN", "beats_asked": "all", "seed": 0}
    pd.DataFrame(leak | {"macro_f1": [0.5, 0.9]}).to_csv(folder / "leak.csv", index=False)
    table, origin = results.ladder_of("patients")
    assert table["macro_f1"].tolist() == [0.5] and "leak.csv" in origin
    more = pd.DataFrame({"model": ["KNN", "rhythm"], "macro_f1": [0.51, 0.9]})
    more.to_csv(folder / "patients.csv", index=False)
    assert results.ladder_of("patients")[0]["macro_f1"].tolist() == [0.51, 0.9]
    own = pd.DataFrame({"model": ["compact"], "macro_f1": [0.6]})
    own.to_csv(project / "outputs" / "patients" / "metrics" / "04_ladder.csv", index=False)
    table, origin = results.ladder_of("patients")
    assert table["model"].tolist() == ["KNN", "compact", "rhythm"] and "leak" not in origin


def test_new_lines_of_a_benchmark_take_the_place_of_those_they_repeat(project):
    first = pd.DataFrame({"seconds": [1.0, 2.0], "model": ["b", "a"]})
    results.keep_benchmark("speed", first, ["model"])
    results.keep_benchmark("speed", pd.DataFrame({"model": ["b"], "seconds": [3.0]}), ["model"])
    table = results.read_benchmark("speed")
    assert list(table) == ["model", "seconds"] and table.to_numpy().tolist() == [
        ["a", 2.0],
        ["b", 3.0],
    ]
