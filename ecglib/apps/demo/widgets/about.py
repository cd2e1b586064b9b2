"""What the demo says about itself: data, model, how good it is, limits, sources, licence."""

from html import escape

import numpy as np

from ecglib.apps.demo.state.gallery import Gallery
from ecglib.apps.demo.widgets.html import INK, LINE, NOTICE
from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.beats.prepared import UNLABELLED
from ecglib.labels import CLASS_NAMES, CLASS_SYMBOLS, CLASSES, SYMBOL_NAMES

SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "mcc": "Matthews correlation",
    "macro_auc": "mean ROC area",
    "ece": "calibration error",
}
QUALITY = {
    "tp": "true Normal called Normal",
    "fp": "abnormal called Normal",
    "tn": "abnormal called abnormal",
    "fn": "true Normal called abnormal",
    "precision": "precision",
    "recall": "recall (sensitivity)",
    "specificity": "specificity",
    "fpr": "false positive rate",
    "fnr": "false negative rate",
    "npv": "negative predictive value",
    "error_rate": "error rate",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "mcc": "Matthews correlation",
    "f1": "F1",
    "g_mean": "G-mean",
    "auc_pr": "area under precision and recall",
    "auc_roc": "area under ROC",
    "brier": "Brier score",
    "ece": "expected calibration error",
    "mce": "maximum calibration error",
    "expected_cost": "expected cost a beat",
}
PLACES = (
    ("Recordings: MIT-BIH Arrhythmia Database 1.0.0 (Moody and Mark 2001), ODC-By 1.0",
     "https://physionet.org/content/mitdb/1.0.0/"),
    ("PhysioNet (Goldberger et al. 2000)", "https://doi.org/10.1161/01.CIR.101.23.e215"),
    ("The published split (Kachuee et al. 2018)",
     "https://www.kaggle.com/datasets/shayanfazeli/heartbeat"),
    ("The published network", "https://github.com/budziun/ecg-project"),
)  # fmt: skip


def about_html(card: dict, gallery: Gallery | None = None) -> str:
    """The page "About", of the model in use.

    Parameters
    ----------
    card : dict
        The model's card.
    gallery : Gallery, optional
        Classified beats of known class, for the table Normal against abnormal.
    """
    parts = [
        _section("What this is", f"<p>A small neural network looks at one heartbeat, {BEAT_SAMPLES}"
            f" samples of one ECG lead from the R peak on at {BEAT_FS:.0f} Hz, and says which of "
            "five classes it belongs to and how sure it is. Drop an ECG of your own, or look at "
            f"beats it has never been trained on. <b>{NOTICE}</b></p>"),
        _section("The five classes (AAMI)", _table(
            ["class", "which beats, with their symbols in the annotations"],
            [[f"{c} {CLASS_NAMES[c]}",
              ", ".join(f"{SYMBOL_NAMES[symbol]} ({symbol})" for symbol in CLASS_SYMBOLS[c])]
             for c in CLASSES]) + "<p>Normal is the standard's word: a bundle branch block is no"
            " finding here, though it is one for a doctor.</p>"),
        _section("Data", "<p>48 half-hour recordings of 47 people, 1975 to 1979, every beat marked"
            " by two cardiologists. The published split has the same people in training and test, "
            "so the figures below hold for people the network knows; for new ones they are "
            "lower.</p>"),
        _section("Model", _table(["", ""], [[k, v] for k, v in _model(card).items()])),
    ]  # fmt: skip
    if metrics := card.get("metrics", {}).get("test"):
        rows = [[name, f"{metrics[key]:.2%}"] for key, name in SCORES.items() if key in metrics]
        parts.append(
            _section(f"On {metrics.get('beats', 0):,} test beats", _table(["score", ""], rows))
        )
    if gallery is not None and (quality := _quality(gallery)):
        parts.append(_section("Normal against abnormal, on the beats offered here", quality))
    places = "".join(f'<li><a href="{url}">{escape(name)}</a></li>' for name, url in PLACES)
    parts += [
        _section("Limits", "<p>Where a recording is flat, clipped or too noisy, its beats get no "
            "verdict; beats of a table always get one of the five classes, noise included, and "
            "high confidence is no proof that the trace is a heartbeat. Class F comes mostly from "
            "two people, Q mostly from four with pacemakers. An upload from another device, lead "
            "or population may be judged wrongly with confidence. Attention shows where the "
            "network looked, not why it decided.</p>"),
        _section("With the keyboard", "<p>Tab goes from control to control, the arrow keys move "
            "sliders and lists, and the buttons below a trace zoom and move it.</p>"),
        _section("Sources", f"<ul>{places}</ul>"),
        _section("Licence", "<p>The program: MIT. The recordings: Open Data Commons Attribution "
            "1.0.</p>"),
    ]  # fmt: skip
    return f'<div style="color:{INK};line-height:1.5;max-width:800px">{"".join(parts)}</div>'


def _model(card: dict) -> dict[str, str]:
    """What the card tells, as rows of a table; what it does not know is left out."""
    trained, recipe = card.get("trained_on", {}), card.get("recipe", {})
    training, beats = card.get("training", {}), card.get("beats", {})
    rows = {
        "name": card.get("name"),
        "parameters": f"{card['parameters']:,}" if "parameters" in card else None,
        "trained on": f"{beats['train']:,} beats" if "train" in beats else None,
        "protocol": trained.get("protocol"),
        "data": "SYNTHETIC" if trained.get("synthetic") else None,
        "recipe": recipe.get("name"),
        "epochs": training.get("epochs"),
        "uncertain below": f"{card['threshold']:.1%}" if "threshold" in card else None,
        "intended use": card.get("intended_use"),
    }
    return {name: str(value) for name, value in rows.items() if value is not None}


def _quality(gallery: Gallery) -> str:
    """The published work's table, computed from what the model says of these beats."""
    known = gallery.beats.label != UNLABELLED
    label = gallery.beats.label[known]
    if not gallery.ready or len(np.unique(label == 0)) < 2:
        return ""  # it needs beats of both kinds
    from ecglib.metrics.tables import normal_vs_abnormal

    values = normal_vs_abnormal(label, gallery.proba[known])
    rows = [
        [name, f"{values[key]:,}" if key in ("tp", "fp", "tn", "fn") else f"{values[key]:.4f}"]
        for key, name in QUALITY.items()
    ]
    return (
        f"<p>{len(label):,} beats; Normal is the positive class, as in the published table.</p>"
        + _table(["measure", "value"], rows)
    )


def _section(title: str, body: str) -> str:
    return f'<h3 style="margin:14px 0 4px">{escape(title)}</h3>{body}'


def _table(head: list[str], rows: list[list[str]]) -> str:
    cell = f"padding:1px 14px 1px 0;text-align:left;border-bottom:1px solid {LINE}"
    top = "".join(f'<th scope="col" style="{cell}">{escape(h)}</th>' for h in head)
    top = f"<thead><tr>{top}</tr></thead>" if any(head) else ""
    body = "".join(
        f'<tr><th scope="row" style="{cell};font-weight:normal">{escape(name)}</th>'
        f'<td style="{cell}">{escape(str(value))}</td></tr>'
        for name, value in rows
    )
    return f'<table style="border-collapse:collapse">{top}<tbody>{body}</tbody></table>'


def cautions(card: dict, protocol: str, synthetic: bool) -> list[str]:
    """Why the results on these test beats may mislead, one sentence each; empty if nothing does.

    Parameters
    ----------
    card : dict
        The model's card.
    protocol : str
        Under which the test beats were split off.
    synthetic : bool
        Whether the test beats are.
    """
    trained_on = card.get("trained_on", {})
    found = []
    if synthetic:
        found.append("The test beats are SYNTHETIC: generated, not recorded from people.")
    if trained_on.get("synthetic", synthetic) != synthetic:
        kinds = ("recorded", "synthetic")
        found.append(
            f"The model has learnt from {kinds[not synthetic]} beats and is shown "
            f"{kinds[synthetic]} ones: what it says of them means little."
        )
    elif (learnt := trained_on.get("protocol")) != protocol:
        under = f"under the protocol '{learnt}'" if learnt else "nobody has noted how"
        found.append(
            f"The model was trained {under}, the test beats are those of '{protocol}': it may "
            "have been trained on some of them, so being right here proves little."
        )
    return found
