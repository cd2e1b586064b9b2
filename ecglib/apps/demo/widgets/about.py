"""The page "About": data, model, scores, limits, sources, licence; and cautions about a model."""

from html import escape

from ecglib.apps.demo.widgets.elements import INK, LINE, NOTICE
from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.labels import CLASS_NAMES, CLASS_SYMBOLS, CLASSES, SYMBOL_NAMES

SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "macro_auc", "ece")
COUNTS = ("tp", "fp", "tn", "fn")
NAMES = {  # of scores; others are called by their key
    "tp": "true Normal predicted as Normal",
    "fp": "abnormal predicted as Normal",
    "tn": "abnormal predicted as abnormal",
    "fn": "true Normal predicted as abnormal",
    "recall": "recall (sensitivity)",
    "fpr": "false positive rate",
    "fnr": "false negative rate",
    "npv": "negative predictive value",
    "mcc": "Matthews correlation",
    "f1": "F1",
    "macro_f1": "macro F1",
    "macro_auc": "mean area under ROC",
    "g_mean": "G-mean",
    "auc_pr": "area under precision and recall",
    "auc_roc": "area under ROC",
    "brier": "Brier score",
    "ece": "expected calibration error",
    "mce": "maximum calibration error",
    "expected_cost": "expected cost per beat",
}
PLACES = (
    ("Recordings: MIT-BIH Arrhythmia Database 1.0.0 (Moody and Mark 2001), ODC-By 1.0",
     "https://physionet.org/content/mitdb/1.0.0/"),
    ("PhysioNet (Goldberger et al. 2000)", "https://doi.org/10.1161/01.CIR.101.23.e215"),
    ("The published split (Kachuee et al. 2018)",
     "https://www.kaggle.com/datasets/shayanfazeli/heartbeat"),
    ("The published network", "https://github.com/budziun/ecg-project"),
)  # fmt: skip


def about_html(card: dict, normal_scores: dict[str, float]) -> str:
    """The page, from the current model's card and its scores of Normal against abnormal, if any."""
    symbols = [
        [f"{c} {CLASS_NAMES[c]}", ", ".join(f"{SYMBOL_NAMES[s]} ({s})" for s in CLASS_SYMBOLS[c])]
        for c in CLASSES
    ]
    parts = [
        _section("Purpose", f"<p>A small neural network reads one heartbeat ({BEAT_SAMPLES} "
            f"samples of one ECG lead from the R peak on, at {BEAT_FS:.0f} Hz) and predicts one of "
            "five classes with a confidence. Open an ECG of your own, or look at test beats, which "
            f"the network was not trained on. <b>{NOTICE}</b></p>"),
        _section("The five classes (AAMI)",
            _table(["class", "beats, with their symbols in the annotations"], symbols) + "<p>"
            "Normal is the standard's term: it includes bundle branch blocks, which a doctor would "
            "report.</p>"),
        _section("Data", "<p>48 half-hour recordings of 47 people, 1975 to 1979. Two cardiologists "
            "annotated every beat. In the published split, the same people are in training and "
            "test, so the scores below hold for people known to the network; for new people they "
            "are lower.</p>"),
        _section("Model", _table(["", ""], [[k, v] for k, v in _model(card).items()])),
    ]  # fmt: skip
    if metrics := card.get("metrics", {}).get("test"):
        rows = [[_name(key), f"{metrics[key]:.2%}"] for key in SCORES if key in metrics]
        title = f"On {metrics.get('beats', 0):,} test beats"
        parts.append(_section(title, _table(["score", ""], rows)))
    if normal_scores:
        beats = sum(normal_scores[key] for key in COUNTS)
        rows = [
            [_name(key), f"{value:,}" if key in COUNTS else f"{value:.4f}"]
            for key, value in normal_scores.items()
        ]
        body = f"<p>{beats:,} beats; Normal is the positive class, as in the published table.</p>"
        body += _table(["measure", "value"], rows)
        parts.append(_section("Normal against abnormal, on these test beats", body))
    places = "".join(f'<li><a href="{url}">{escape(name)}</a></li>' for name, url in PLACES)
    parts += [
        _section("Limits", "<p>Where a recording is flat, clipped or too noisy, its beats are "
            "unreadable. Beats of a table always get one of the five classes, even noise, and a "
            "high confidence does not prove that the trace is a heartbeat. Most F beats come from "
            "two people, most Q beats from four with pacemakers. On an ECG of another device, lead "
            "or population, predictions may be wrong with high confidence. Attention shows the "
            "samples that the network weighted, not the reason for its prediction.</p>"),
        _section("With the keyboard", "<p>Tab moves between controls, the arrow keys move sliders "
            "and lists, and the buttons below a trace zoom and move it.</p>"),
        _section("Sources", f"<ul>{places}</ul>"),
        _section("Licence", "<p>The program: MIT. The recordings: Open Data Commons Attribution "
            "1.0.</p>"),
    ]  # fmt: skip
    return f'<div style="color:{INK};line-height:1.5;max-width:800px">{"".join(parts)}</div>'


def _name(score: str) -> str:
    return NAMES.get(score, score.replace("_", " "))


def _model(card: dict) -> dict[str, str]:
    """The rows of the table on the model, as far as its card has them."""
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
    """Why results on test beats, of a protocol and perhaps synthetic, may mislead: sentences."""
    trained_on = card.get("trained_on", {})
    found = []
    if synthetic:
        found.append("The test beats are SYNTHETIC: generated, not recorded from people.")
    if trained_on.get("synthetic", synthetic) != synthetic:
        kinds = ("recorded", "synthetic")
        found.append(
            f"The model was trained on {kinds[not synthetic]} beats and these are "
            f"{kinds[synthetic]} ones: its predictions mean little."
        )
    elif (own := trained_on.get("protocol")) != protocol:
        under = f"under the protocol '{own}'" if own else "under an unknown protocol"
        found.append(
            f"The model was trained {under}, the test beats are those of '{protocol}': it may "
            "have been trained on some of them, so right predictions prove little."
        )
    return found
