"""Results to take away: tables, CSV, WFDB annotations."""

from pathlib import Path

import pandas as pd
import pytest
import wfdb

from ecglib.apps.demo.state.export import as_annotations, as_csv, results


def test_table_and_annotations(classified, tmp_path: Path) -> None:
    gallery, strip = classified
    table = pd.read_csv(pd.io.common.BytesIO(as_csv(results(gallery, strip))))
    assert len(table) == len(gallery) and {"time_s", "true_label", "right"} <= set(table)
    (tmp_path / "x.atr").write_bytes(as_annotations(gallery, strip))
    marks = wfdb.rdann(str(tmp_path / "x"), "atr")
    assert marks.sample.tolist() == gallery.beats.sample.tolist() and marks.fs == strip.fs
    assert marks.symbol == table.label.fillna("|").tolist()
    noted = [note.strip("\0") == "uncertain" for note in marks.aux_note]
    assert noted == table.uncertain.tolist()
    none = gallery.with_model(gallery.classifier)
    none.proba, none.chosen = gallery.proba, gallery.chosen[:0]
    with pytest.raises(ValueError, match="No beats are selected"):
        as_annotations(none, strip)


def test_unreadable_beats_have_no_values(noisy, tmp_path: Path) -> None:
    gallery, strip = noisy
    gallery.select()
    table = pd.read_csv(pd.io.common.BytesIO(as_csv(results(gallery, strip))))
    empty = table.loc[~gallery.readable, ["label", "confidence", "p_N", "p_Q", "right"]]
    assert len(empty) and empty.isna().all(axis=None)
    assert (table.quality == gallery.quality).all()
    (tmp_path / "x.atr").write_bytes(as_annotations(gallery, strip))
    marks = wfdb.rdann(str(tmp_path / "x"), "atr")
    assert [symbol != "|" for symbol in marks.symbol] == gallery.readable.tolist()
