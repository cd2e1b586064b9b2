"""The command, and the annotations that it writes."""

import numpy as np
import pytest
import wfdb

from classified_recordings import classified
from ecglib.apps.report import command
from ecglib.recordings.wfdb import write_annotations


def test_annotations(tmp_path) -> None:
    table = classified("NSVFQ-N").table
    write_annotations(table, tmp_path / "night.atr", 360)
    marks = wfdb.rdann(str(tmp_path / "night"), "atr")
    assert marks.symbol == ["N", "S", "V", "F", "Q", "|", "N"]
    assert marks.sample.tolist() == table["sample"].tolist() and marks.fs == 360
    assert [note.strip("\0") for note in marks.aux_note] == [""] * 5 + ["noise", ""]
    assert [f.name for f in tmp_path.iterdir()] == ["night.atr"]
    for bad in (classified("").table, table):
        with pytest.raises(ValueError, match="can't be written"):
            write_annotations(bad, tmp_path / ("no good.atr" if len(bad) else "a.atr"), 360)


def test_the_command(tmp_path, monkeypatch, capsys) -> None:
    signal = "\n".join(f"{v:.3f}" for v in np.random.default_rng(0).normal(size=7200))
    (tmp_path / "a.csv").write_text(signal)
    table = classified("NNVVVNN" * 2 + "-" * 9)

    class Fake:
        @staticmethod
        def load():
            return Fake()

        def classify_opened(self, *_, **__):
            return table

    monkeypatch.setattr(command, "Classifier", Fake)
    for suffix in ("pdf", "png", "json", "csv", "atr"):
        out = tmp_path / f"page.{suffix}"
        command.main([str(tmp_path / "a.csv"), "--fs", "360", "--out", str(out)])
        assert out.stat().st_size > 20
    assert "too poor" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main(["x", "--out", str(tmp_path / "page.doc")])


@pytest.mark.parametrize("name", ["mine.csv", "100.atr"])
def test_neither_the_input_nor_annotations_are_overwritten(name: str, tmp_path, capsys) -> None:
    there = tmp_path / name
    there.write_text("somebody's")
    with pytest.raises(SystemExit):
        command.main([str(tmp_path / "mine.csv"), "--out", str(there)])
    assert there.read_text() == "somebody's" and "another name" in capsys.readouterr().err
