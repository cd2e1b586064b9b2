"""What a person takes away: all beats of a selection as a table, as CSV, as WFDB annotations."""

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

LETTERS = np.array([*CLASSES, ""])  # position -1: the class is unknown, or no verdict


def results(
    gallery: Gallery, strip: Strip | None = None, rows: slice = slice(None)
) -> pd.DataFrame:
    """One row for each beat of the selection, in its order.

    Parameters
    ----------
    gallery : Gallery
    strip : Strip, optional
        Of a recording: gives the times.
    rows : slice
        Only these beats of the selection.

    Returns
    -------
    DataFrame
        ``record`` and ``sample`` (``file`` and ``row`` of an upload), ``time_s`` of a recording,
        ``label``, ``confidence``, ``uncertain``, ``p_N`` to ``p_Q``, ``model``; ``quality`` of a
        recording, which tells why there is no verdict where the label is empty; where they are
        known ``true_label`` and ``right``; with a second model ``label_2``, ``confidence_2``,
        ``model_2``.
    """
    beats, chosen = gallery.beats, gallery.chosen[rows]
    names = ("file", "row") if beats.source == UPLOAD else ("record", "sample")
    columns: dict[str, object] = {names[0]: beats.record[chosen], names[1]: beats.sample[chosen]}
    if strip is not None:
        columns["time_s"] = (beats.sample[chosen] / strip.fs).round(4)
    columns |= {
        "label": LETTERS[gallery.said[chosen]],
        "confidence": gallery.confidence[chosen].round(6),
        "uncertain": gallery.uncertain[chosen],
        **{f"p_{c}": gallery.proba[chosen, k].round(6) for k, c in enumerate(CLASSES)},
        "model": gallery.classifier.card.get("name", ""),
    }
    label, quality = beats.label[chosen], gallery.quality[chosen]
    if strip is not None:
        columns["quality"] = quality
    if (label != UNLABELLED).any():
        right = pd.array(gallery.said[chosen] == label, dtype="boolean")
        right[(label == UNLABELLED) | (quality != OK)] = pd.NA
        columns |= {"true_label": LETTERS[label], "right": right}
    if (second := gallery.second) and second.ready:
        columns |= {
            "label_2": LETTERS[second.said[chosen]],
            "confidence_2": second.confidence[chosen].round(6),
            "model_2": second.classifier.card.get("name", ""),
        }
    return pd.DataFrame(columns)


def as_csv(table: pd.DataFrame) -> bytes:
    """The table as CSV (UTF-8), as a spreadsheet or ``pandas.read_csv`` reads it."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def as_annotations(gallery: Gallery, strip: Strip) -> bytes:
    """The beats of the selection as a WFDB annotation file, see ``write_annotations``.

    Parameters
    ----------
    gallery : Gallery
        Of a recording.
    strip : Strip
        The recording.
    """
    if not len(gallery):
        raise ValueError("There is no beat to write down: choose other beats first.")
    table = results(gallery, strip).sort_values("sample")
    with TemporaryDirectory() as folder:
        write_annotations(table, path := Path(folder) / "record.atr", strip.fs)
        return path.read_bytes()
