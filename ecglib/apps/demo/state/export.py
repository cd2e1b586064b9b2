"""Results to take away: the selected beats as a table, as CSV, as WFDB annotations."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from ecglib.apps.demo.state.gallery import Gallery
from ecglib.apps.demo.state.recording import Strip
from ecglib.beats.prepared import UNLABELLED, UPLOAD
from ecglib.labels import CLASSES
from ecglib.recordings.quality import OK
from ecglib.recordings.wfdb import write_annotations

LETTERS = np.array([*CLASSES, ""])  # the last, position -1: unlabelled or unreadable


def results(
    gallery: Gallery, strip: Strip | None = None, rows: slice = slice(None)
) -> pd.DataFrame:
    """One row for each selected beat, in their order; an unreadable beat has no label.

    With a ``strip``, the beats are those of a recording and have a time and a quality.
    """
    beats, chosen = gallery.beats, gallery.chosen[rows]
    names = ("file", "row") if beats.source == UPLOAD else ("record", "sample")
    columns: dict[str, object] = {names[0]: beats.record[chosen], names[1]: beats.sample[chosen]}
    if strip is not None:
        columns["time_s"] = (beats.sample[chosen] / strip.fs).round(4)
    columns |= {
        "label": LETTERS[gallery.predicted[chosen]],
        "confidence": gallery.confidence[chosen].round(6),
        "uncertain": gallery.uncertain[chosen],
        **{f"p_{c}": gallery.proba[chosen, k].round(6) for k, c in enumerate(CLASSES)},
        "model": gallery.classifier.card.get("name", ""),
    }
    label, quality = beats.label[chosen], gallery.quality[chosen]
    if strip is not None:
        columns["quality"] = quality
    if (label != UNLABELLED).any():
        right = pd.array(gallery.predicted[chosen] == label, dtype="boolean")
        right[(label == UNLABELLED) | (quality != OK)] = pd.NA
        columns |= {"true_label": LETTERS[label], "right": right}
    if (second := gallery.second) and second.ready:
        columns |= {
            "label_2": LETTERS[second.predicted[chosen]],
            "confidence_2": second.confidence[chosen].round(6),
            "model_2": second.classifier.card.get("name", ""),
        }
    return pd.DataFrame(columns)


def as_csv(table: pd.DataFrame) -> bytes:
    """The table as CSV in UTF-8."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def as_annotations(gallery: Gallery, strip: Strip) -> bytes:
    """The selected beats of a recording as a WFDB annotation file, see ``write_annotations``."""
    if not len(gallery):
        raise ValueError("No beats are selected. Select some first.")
    table = results(gallery, strip).sort_values("sample")
    with TemporaryDirectory() as folder:
        write_annotations(table, path := Path(folder) / "record.atr", strip.fs)
        return path.read_bytes()


def normal_scores(gallery: Gallery) -> dict[str, float]:
    """Scores of Normal against abnormal on the labelled beats; empty without beats of both."""
    known = gallery.beats.label != UNLABELLED
    label = gallery.beats.label[known]
    if not gallery.ready or len(np.unique(label == 0)) < 2:
        return {}
    from ecglib.metrics.tables import normal_vs_abnormal  # scikit-learn is slow to load

    return normal_vs_abnormal(label, gallery.proba[known])
