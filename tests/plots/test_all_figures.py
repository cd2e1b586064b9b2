"""All figures: their panels, words and files."""

import pytest

from ecglib.paths import Run
from ecglib.plots.curves import plot_learning_curves, plot_roc_curves
from ecglib.plots.style import save_figure
from figures_drawn import all_figures, draw_history, draw_predictions, words

pytestmark = pytest.mark.usefixtures("tidy_figures")


# Number of panels, and some of the words, of every figure
EXPECTED = {
    "class_counts": (1, ["beats (log scale)", "Supraventricular", "train", "test"]),
    "example_beats": (10, ["ms", "amplitude", "Fusion", "padding"]),
    "beat_cut": (2, ["(s)", "MLII (mV)", "ms", "Record 100", "120 Hz"]),
    "leak": (1, ["share of the test set", "kaggle", "96.0%"]),
    "augmentation": (5, ["ms", "roll", "grey: the original"]),
    "attention": (11, ["ms", "attention weight"]),
    "beat_probabilities": (2, ["probability", "predicted: ", "Normal (N)"]),
    "rhythm": (2, ["RR interval before the beat (s)", "the record's usual one", "S Supra"]),
    "learning_curves": (3, ["epoch", "loss", "learning rate", "dashed: 4", "macro F1"]),
    "confusion": (1, ["true class", "predicted class", "test"]),
    "roc_curves": (2, ["false positive rate", "sensitivity", "AUC"]),
    "precision_recall_curves": (1, ["positive predictivity", "sensitivity", "AP"]),
    "class_f1": (1, ["F1", "KNN", "compact"]),
    "neighbours": (9, ["query: N", "nearest 2: S, record 100"]),
    "reliability": (4, ["confidence", "accuracy", "ECE"]),
    "model_comparison": (2, ["accuracy", "macro F1", "published network", "98.00"]),
    "protocol_comparison": (2, ["macro F1 of N, S and V", "known", "no results yet", "compact"]),
    "leak_scores": (2, ["patients", "shares none", "accuracy on the published test beats"]),
    "context": (2, ["RR interval before the beat (s)", "typical beat's", "Ventricular"]),
    "error_records": (1, ["error rate", "not shown: 6 records", "S Supraventricular"]),
    "worst_beats": (4, ["(s)", "(mV)", "100, 0:02.5: V → N (99%)"]),
    "attribution": (11, ["ms", "against", "for", "attention"]),
    "class_attributions": (10, ["ms", "integrated gradients", "deep\nshare in 50 ms"]),
    "randomisation_test": (4, ["rank correlation", "all weights shuffled", "+ lstm", "with sign"]),
    "noise_traces": (2, ["(s)", "mV", "clean"]),
    "noise_scores": (6, ["signal-to-noise ratio (dB)", "electrode motion", "KNN\nF1", "clean"]),
    "noise_lines": (3, ["dB", "muscle noise", "macro F1", "−6"]),
    "risk_coverage": (1, ["share of beats answered", "error rate", "uncertain: 10.0%"]),
}


@pytest.fixture
def run(tmp_path):
    return Run(str(tmp_path), synthetic=False)


def test_every_figure_is_expected():
    assert set(all_figures()) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_figure_is_drawn_saved_and_stays_small(name, run):
    figure, (panels, expected) = all_figures()[name], EXPECTED[name]
    assert len(figure.axes) == panels
    assert figure.get_figwidth() in (6.3, 3.15)
    text = words(figure)
    assert [word for word in expected if word not in text] == []
    assert save_figure(figure, run, name) is figure
    png, svg = run.figures / f"{name}.png", run.figures / f"{name}.svg"
    assert png.read_bytes().startswith(b"\x89PNG") and 5_000 < png.stat().st_size < 200_000
    assert "</svg>" in svg.read_text() and svg.stat().st_size < 300_000
    assert "SYNTHETIC" not in svg.read_text()


def test_synthetic_beats_are_stamped_once_and_on_screen(run):
    figure = save_figure(plot_learning_curves(draw_history()), run, "plain")
    before = (run.figures / "plain.png").read_bytes()
    for name in ("a", "b"):
        save_figure(figure, Run(run.run_dir, synthetic=True), name)
    assert words(figure).count("SYNTHETIC DATA") == 1
    assert "SYNTHETIC DATA" in (run.figures / "a.svg").read_text()
    assert (run.figures / "a.png").read_bytes() != before


def test_the_same_figure_gives_the_same_files(run):
    for name in ("a", "b"):
        save_figure(plot_roc_curves({"test": draw_predictions()}), run, name)
    for kind in ("png", "svg"):
        a, b = ((run.figures / f"{name}.{kind}").read_bytes() for name in ("a", "b"))
        assert a == b, kind
