"""Figures: what is written, what is said, and that nothing stays behind."""

import pytest

from ecglib.paths import Run
from ecglib.plots.curves import plot_learning_curves, plot_roc_curves
from ecglib.plots.style import save_figure
from figures_drawn import (
    all_figures,
    draw_history,
    draw_predictions,
    words,
)

pytestmark = pytest.mark.usefixtures("tidy_figures")


def test_every_figure_is_drawn_saved_and_stays_small(tmp_path):
    figures = all_figures()
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
        assert save_figure(figure, run, name) is figure
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
    figure = plot_learning_curves(draw_history())
    plain = save_figure(figure, run, "plain")
    before = (run.figures / "plain.png").read_bytes()
    for name in ("a", "b"):
        save_figure(plain, run, name, synthetic=True)
    assert words(figure).count("SYNTHETIC DATA") == 1
    assert "SYNTHETIC DATA" in (run.figures / "a.svg").read_text()
    assert (run.figures / "a.png").read_bytes() != before


def test_the_same_figure_gives_the_same_files(tmp_path):
    for folder in ("a", "b"):
        figure = plot_roc_curves({"test": draw_predictions()})
        save_figure(figure, Run(str(tmp_path / folder)), "roc")
    for kind in ("png", "svg"):
        a, b = (tmp_path / folder / "figures" / f"roc.{kind}" for folder in ("a", "b"))
        assert a.read_bytes() == b.read_bytes(), kind


def test_a_failed_save_leaves_the_old_figure(tmp_path, monkeypatch):
    run = Run(str(tmp_path))
    figure = save_figure(plot_learning_curves(draw_history()), run, "curves")
    before = (run.figures / "curves.png").read_bytes()

    def fail(path, **_):
        path.write_bytes(b"torn")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, run, "curves")
    assert (run.figures / "curves.png").read_bytes() == before
    assert sorted(f.name for f in run.figures.iterdir()) == ["curves.png", "curves.svg"]
