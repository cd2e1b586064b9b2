"""Figures: what is drawn, what is written, and that nothing stays behind."""

import warnings
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from sklearn.metrics import roc_auc_score

from ecglib import ec57, plots
from ecglib import evaluation as ev
from ecglib.beats import BEAT_SAMPLES, Beats
from ecglib.labels import CLASS_COLOURS, CLASSES
from ecglib.noise import conditions
from ecglib.paths import Run
from ecglib.plots.curves import CURVE_POINTS
from ecglib.recordings import Recording
from ecglib.stress import noise_scores


@pytest.fixture(autouse=True)
def clean():
    """No figure stays open, no setting changes, nothing warns."""
    settings = plt.rcParams.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert plt.get_fignums() == []
    assert plt.rcParams == settings


def draw_beats(n=20):
    """Rows of two peaks, padded like real ones, and their classes in turn."""
    rng = np.random.default_rng(0)
    signal = np.zeros((n, BEAT_SAMPLES), np.float32)
    for row in signal:
        length = rng.integers(60, BEAT_SAMPLES)
        row[:length] = 0.2 + 0.1 * rng.random(length)
        row[[0, length - 15]] = 1
    return signal, np.arange(n) % 5


def draw_predictions(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(5, n, p=[0.8, 0.04, 0.09, 0.02, 0.05])
    p = np.exp(rng.normal(size=(n, 5)) + 3 * np.eye(5)[y])
    return y, p / p.sum(1, keepdims=True)


def draw_history(epochs=6):
    epoch = np.arange(1, epochs + 1)
    return pd.DataFrame(
        {
            "epoch": epoch,
            "train_loss": 1 / epoch,
            "validation_loss": 1.2 / epoch,
            "validation_accuracy": 1 - 0.1 / epoch,
            "validation_macro_f1": [0.5, 0.7, 0.8, 0.9, 0.85, 0.8][:epochs],
            "learning_rate": 0.001 * epoch,
            "kept": epoch == min(4, epochs),
        }
    )


def draw_recording():
    fs, n = 360, 3600
    marks = np.array([300, 600, 900, 1250, 1500, 1800])
    signal = 0.02 * np.random.default_rng(0).normal(size=(n, 1)).astype(np.float32)
    signal[marks] = 1
    return Recording("100", fs, signal, ("MLII",), marks, np.array(list("NVN+NN")))


def draw_scores(protocols=("kaggle", "random", "patients")):
    """A table as benchmarks/leak.py writes it."""
    y, p = draw_predictions()
    scores = ec57.headline(y, p.argmax(1), np.arange(2000) % 7, n=20)
    return pd.DataFrame(
        [
            {"protocol": protocol, "model": model, "beats_asked": asked} | scores
            for protocol in protocols
            for model in ("most frequent class", "KNN", "compact")
            for asked in ("all", "shares samples", "shares none")
        ]
    )


def draw_context():
    """Three hundred beats of three classes, some of them early and some wide."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(0.5, 1.5, (300, 4)), columns=["rr", "width", "a", "b"])
    return table.rename(columns={"a": "rr_ratio", "b": "width_ratio"}).assign(
        label=np.arange(300) % 3
    )


def new_figures():
    """Figures of protocols, mistakes, reasons and noise."""
    signal, label = draw_beats()
    y, p = draw_predictions()
    parts = np.random.default_rng(0).normal(size=signal.shape)
    shares = np.abs(parts) / np.abs(parts).sum(axis=1, keepdims=True)
    ladder = draw_scores(("kaggle",)).drop_duplicates("model")
    worst = pd.DataFrame({"record": ["100"] * 4, "sample": [600, 900, 1500, 1800]})
    worst = worst.assign(label="V", called="N", confidence=0.99)
    noise = noise_scores(y, dict.fromkeys(conditions((6.0, -6.0)), p))
    agreement = {"head": parts[:3], "head, lstm": parts[3:6]}
    curve = ev.risk_coverage(y, p)
    return {
        "protocol_ladder": plots.plot_protocol_ladder({"known": ladder, "new": None}),
        "leak_scores": plots.plot_leak_scores(draw_scores()),
        "context": plots.plot_context(draw_context()),
        "error_records": plots.plot_error_records(np.arange(2000) % 30, y, p.argmax(1)),
        "worst_beats": plots.plot_worst_beats(worst, lambda name: draw_recording()),
        "attribution": plots.plot_attribution(signal[:5], parts[:5], np.abs(parts[:5]), label[:5]),
        "class_reasons": plots.plot_class_reasons(
            signal, label, {"compact": shares, "deep": shares}, {"compact": shares, "deep": shares}
        ),
        "collapse": plots.plot_collapse(
            signal[0], parts[0], parts[1], {"compact": agreement, "deep": agreement}
        ),
        "noise_traces": plots.plot_noise_traces({"clean": parts[0], "em": parts[1]}, "record", 360),
        "noise_scores": plots.plot_noise_scores({"KNN": noise, "compact": noise}),
        "noise_lines": plots.plot_noise_lines({"with": noise}, "macro_f1", "macro F1"),
        "risk_coverage": plots.plot_risk_coverage({"KNN, test": curve}, {"KNN, test": (0.9, 0.1)}),
    }


@cache
def all_figures():
    """Every figure once, by name."""
    signal, label = draw_beats()
    y, p = draw_predictions()
    table = ev.class_table({("KNN", "test"): (y, p), ("compact", "test"): (y, p)}, n=50)
    ladder = pd.DataFrame({"model": ["KNN", "compact"], "accuracy": [0.97, 0.98]})
    ladder["macro_f1"] = [0.88, 0.93]
    beats = Beats(signal, label, np.full(20, "100"), np.arange(20), *np.ones((2, 20), np.float32))
    leak = pd.DataFrame({"beats": [0.96, 0.0], "patients": [1, 0]}, index=["kaggle", "patients"])
    attention = np.full((5, 24), 1 / 24)
    bins = ev.calibration_bins(y, p)
    return new_figures() | {
        "class_counts": plots.plot_class_counts({"train": label, "test": label[:4]}),
        "example_beats": plots.plot_example_beats(signal, label, 2),
        "beat_cut": plots.plot_beat_cut(draw_recording(), 600),
        "leak": plots.plot_leak(leak),
        "augmentation": plots.plot_augmentation(signal[:5], label[:5], {"roll": signal[5:10]}),
        "attention": plots.plot_attention(signal[:5], attention, label[:5]),
        "beat_probabilities": plots.plot_beat_probabilities(signal[0], p[0], "N"),
        "rhythm": plots.plot_rhythm(np.linspace(0.3, 1.5, 20), label, np.full(20, 0.8)),
        "neighbours": plots.plot_neighbours(beats[:3], beats, np.arange(6).reshape(3, 2)),
        "learning_curves": plots.plot_learning_curves(draw_history()),
        "confusion": plots.plot_confusion({"test": ev.confusion_matrix(y, p.argmax(1))}),
        "roc_curves": plots.plot_roc_curves({"test": (y, p)}),
        "precision_recall_curves": plots.plot_precision_recall_curves({"test": (y, p)}),
        "class_f1": plots.plot_class_f1(table),
        "reliability": plots.plot_reliability({"KNN": bins, "compact": bins}),
        "model_ladder": plots.plot_model_ladder(ladder, ev.PUBLISHED_RESULTS),
    }


def words(figure):
    """All text of a figure."""
    return " | ".join(t.get_text() for t in figure.findobj(plt.Text) if t.get_text())


def test_every_figure_is_drawn_saved_and_stays_small(tmp_path):
    figures = all_figures()
    assert {f"plot_{name}" for name in figures} | {"save_figure"} == set(plots.__all__)
    run = Run(str(tmp_path))
    panels = {"class_counts": 1, "example_beats": 10, "beat_cut": 2, "leak": 1, "augmentation": 5}
    panels |= {"attention": 11, "beat_probabilities": 2, "learning_curves": 3, "confusion": 1}
    panels |= {"roc_curves": 2, "precision_recall_curves": 1, "class_f1": 1, "reliability": 4}
    panels |= {"model_ladder": 2, "rhythm": 2, "neighbours": 9, "protocol_ladder": 2}
    panels |= {"leak_scores": 2, "error_records": 1, "worst_beats": 4, "attribution": 11}
    panels |= {"class_reasons": 10, "collapse": 4, "noise_traces": 2, "noise_scores": 6}
    panels |= {"noise_lines": 3, "risk_coverage": 1, "context": 2}
    for name, figure in figures.items():
        assert len(figure.axes) == panels[name], name
        assert figure.get_figwidth() in (6.3, 3.15), name
        assert plots.save_figure(figure, run, name) is figure
        png, svg = run.figures / f"{name}.png", run.figures / f"{name}.svg"
        assert png.read_bytes().startswith(b"\x89PNG") and 5_000 < png.stat().st_size < 200_000
        assert "</svg>" in svg.read_text() and svg.stat().st_size < 300_000, name
        assert "SYNTHETIC" not in svg.read_text()
    assert len(list(run.figures.iterdir())) == 2 * len(figures)


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "class_counts": ["beats (log scale)", "Supraventricular", "train", "test"],
        "example_beats": ["ms", "amplitude", "Fusion", "padding"],
        "beat_cut": ["(s)", "MLII (mV)", "ms", "Record 100", "120 Hz"],
        "leak": ["share of the test side", "kaggle", "96.0%"],
        "augmentation": ["ms", "roll", "grey: the original"],
        "attention": ["ms", "attention weight"],
        "beat_probabilities": ["probability", "classified as", "Normal (N)"],
        "rhythm": ["RR interval before the beat (s)", "the record's usual one", "S Supra"],
        "learning_curves": ["epoch", "loss", "learning rate", "dashed: 4", "macro F1"],
        "confusion": ["true class", "predicted class", "test"],
        "roc_curves": ["false positive rate", "sensitivity", "AUC"],
        "precision_recall_curves": ["positive predictivity", "sensitivity", "AP"],
        "class_f1": ["F1", "KNN", "compact"],
        "neighbours": ["asked: N", "nearest 2: S, record 100"],
        "reliability": ["confidence", "share that is right", "ECE"],
        "model_ladder": ["accuracy", "macro F1", "published network", "98.00"],
        "protocol_ladder": ["macro F1 of N, S and V", "known", "not run yet", "compact"],
        "leak_scores": ["patients", "shares none", "accuracy on the published test beats"],
        "context": ["RR interval before the beat (s)", "QRS width / typical beat's", "Ventricular"],
        "error_records": ["wrong calls", "not drawn: 6 records", "S Supraventricular"],
        "worst_beats": ["(s)", "(mV)", "100, 0:02.5: V called N (99%)"],
        "attribution": ["ms", "against", "for", "attention"],
        "class_reasons": ["ms", "integrated gradients", "deep\nshare in 50 ms"],
        "collapse": ["rank correlation", "all weights shuffled", "+ lstm", "with sign", "deep"],
        "noise_traces": ["(s)", "mV", "clean"],
        "noise_scores": ["signal-to-noise ratio (dB)", "electrode motion", "KNN\nF1", "clean"],
        "noise_lines": ["dB", "muscle noise", "macro F1", "−6"],
        "risk_coverage": ["share of beats answered", "share of them wrong", "uncertain: 10.0%"],
    }.items(),
)
def test_figures_say_what_they_show(name, expected):
    text = words(all_figures()[name])
    assert [word for word in expected if word not in text] == []


def test_synthetic_beats_are_stamped_once_and_on_screen(tmp_path):
    run = Run(str(tmp_path))
    figure = plots.plot_learning_curves(draw_history())
    plain = plots.save_figure(figure, run, "plain")
    before = (run.figures / "plain.png").read_bytes()
    for name in ("a", "b"):
        plots.save_figure(plain, run, name, synthetic=True)
    assert words(figure).count("SYNTHETIC DATA") == 1
    assert "SYNTHETIC DATA" in (run.figures / "a.svg").read_text()
    assert (run.figures / "a.png").read_bytes() != before


def test_the_same_figure_gives_the_same_files(tmp_path):
    for folder in ("a", "b"):
        figure = plots.plot_roc_curves({"test": draw_predictions()})
        plots.save_figure(figure, Run(str(tmp_path / folder)), "roc")
    for kind in ("png", "svg"):
        a, b = (tmp_path / folder / "figures" / f"roc.{kind}" for folder in ("a", "b"))
        assert a.read_bytes() == b.read_bytes(), kind


def test_a_failed_save_leaves_the_old_figure(tmp_path, monkeypatch):
    run = Run(str(tmp_path))
    figure = plots.save_figure(plots.plot_learning_curves(draw_history()), run, "curves")
    before = (run.figures / "curves.png").read_bytes()

    def fail(path, **_):
        path.write_bytes(b"torn")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        plots.save_figure(figure, run, "curves")
    assert (run.figures / "curves.png").read_bytes() == before
    assert sorted(f.name for f in run.figures.iterdir()) == ["curves.png", "curves.svg"]


def test_curves_are_thinned_but_keep_their_ends():
    y, p = draw_predictions(20_000)
    panel, corner = plots.plot_roc_curves({"test": (y, p)}).axes
    curves = [line for line in panel.lines if len(line.get_xdata()) > 2]
    assert len(curves) == 5
    for line in curves:
        x, y_line = line.get_data()
        assert len(x) <= CURVE_POINTS + 2
        assert (x[0], y_line[0], x[-1], y_line[-1]) == (0, 0, 1, 1)
    assert [to_hex(line.get_color()).upper() for line in curves] == list(CLASS_COLOURS.values())
    assert corner.get_xlim()[1] == pytest.approx(0.1)
    auc_of_s = roc_auc_score(y == 1, p[:, 1])  # of all points, not of the thinned curve
    assert f"S   AUC {auc_of_s:.4f}" in words(panel.figure)


@pytest.mark.parametrize("n_sets", [1, 2, 3])
def test_one_column_a_set(n_sets):
    sets = {f"set {k}": draw_predictions(200, k) for k in range(n_sets)}
    matrices = {name: ev.confusion_matrix(y, p.argmax(1)) for name, (y, p) in sets.items()}
    bins = {name: ev.calibration_bins(y, p) for name, (y, p) in sets.items()}
    assert len(plots.plot_roc_curves(sets).axes) == 2 * n_sets
    assert len(plots.plot_precision_recall_curves(sets).axes) == n_sets
    assert len(plots.plot_confusion(matrices).axes) == n_sets
    assert len(plots.plot_reliability(bins).axes) == 2 * n_sets


def test_confusion_panels_fill_rows_and_remove_the_rest():
    matrix = np.diag([100, 20, 30, 10, 0])
    figure = plots.plot_confusion({f"set {k}": matrix for k in range(5)})
    assert len(figure.axes) == 5
    assert words(figure).count("no beats") == 5
    figure.draw_without_rendering()
    labelled = [any(t.get_visible() for t in ax.get_xticklabels()) for ax in figure.axes]
    assert labelled == [False, False, True, True, True]


def test_confusion_has_true_classes_on_rows():
    matrix = np.zeros((5, 5), int)
    matrix[1, 0] = 7  # S taken for N
    figure = plots.plot_confusion({"test": matrix})
    text = next(t for t in figure.axes[0].texts if "7" in t.get_text())
    assert text.get_text() == "100.0%\n7" and text.get_position() == (0.5, 1.5)


def test_ladder_draws_intervals_over_beats_and_records():
    y, p = draw_predictions()
    predictions = {("KNN", "test"): (y, p), ("compact", "test"): (y, p)}
    table = ev.interval_table(predictions, {"test": np.arange(2000) % 7}, n=50)
    figure = plots.plot_model_ladder(table)
    segments = [lines.get_segments() for lines in figure.axes[1].collections]
    assert [len(each) for each in segments] == [2, 2]  # two models, two kinds of interval
    assert "over records" in words(figure)
    figure.draw_without_rendering()


def test_absent_classes_and_few_beats():
    y, p = np.zeros(3, int), np.eye(5)[[0, 0, 1]]
    signal, label = draw_beats(3)
    table = ev.class_table({("KNN", "test"): (y, p)}, n=20)
    figures = [
        plots.plot_roc_curves({"test": (y, p)}),
        plots.plot_precision_recall_curves({"test": (y, p)}),
        plots.plot_class_f1(table),
        plots.plot_reliability({"KNN": ev.calibration_bins(y, p)}),
        plots.plot_model_ladder(ev.interval_table({("KNN", "test"): (y, p)}, n=20)),
        plots.plot_model_ladder(ev.metrics_table({("KNN", "test"): (y, np.eye(5)[y])})),
        plots.plot_class_counts({"test": y}),
        plots.plot_example_beats(signal, label),
        plots.plot_example_beats(np.zeros((5, BEAT_SAMPLES)), np.arange(5)),
        plots.plot_learning_curves(draw_history(1)),
        plots.plot_learning_curves(draw_history().assign(validation_macro_f1=np.nan)),
    ]
    for figure in figures:
        figure.draw_without_rendering()


def test_bars_carry_class_colours():
    ax = plots.plot_class_counts({"test": np.arange(5)}).axes[0]
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [
        CLASS_COLOURS[c] for c in CLASSES
    ]


def test_beat_cut_draws_what_the_row_holds():
    recording = draw_recording()
    above, below = plots.plot_beat_cut(recording, 600).axes
    span = above.patches[0]
    assert span.get_x() == pytest.approx(600 / 360)
    assert span.get_x() + span.get_width() == pytest.approx((900 + 0.2 * 350) / 360)
    assert len(below.lines[0].get_xdata()) == pytest.approx((300 + 70) / 3, abs=1.5)
    with pytest.raises(ValueError, match="two more behind it"):
        plots.plot_beat_cut(recording, 1800)
    with pytest.raises(ValueError, match="601 in 100"):
        plots.plot_beat_cut(recording, 601)


def test_beat_probabilities_say_whether_it_is_true():
    signal, _ = draw_beats()
    p = np.array([0.1, 0.6, 0.1, 0.1, 0.1])
    assert "but is Normal" in words(plots.plot_beat_probabilities(signal[0], p, "N"))
    assert "and is Supraventricular" in words(plots.plot_beat_probabilities(signal[0], p, "S"))
    assert "60.0%" in words(plots.plot_beat_probabilities(signal[0], p))
