"""Uploads of the demo: their description, and a person's corrections."""

import numpy as np
import pytest

from ecglib.apps.demo.state.uploads import Corrections, Upload, read_upload

ROWS = np.round(np.random.default_rng(0).random((3, 187)), 4)
WAVE = np.round(np.sin(np.arange(2000) / 20), 4)


def text(rows: np.ndarray) -> bytes:
    return "\n".join(",".join(f"{value:.4f}" for value in row) for row in rows).encode()


COLUMN = text(WAVE[:, None])


def read(content: bytes, name: str = "mine.csv", **corrections) -> Upload:
    return read_upload({name: content}, Corrections(**corrections))


def test_beats() -> None:
    assert read(text(ROWS)).describe() == "mine.csv: 3 beats."
    one = read(text(ROWS[:1, :150]), "sample_007_Fusion_label3.csv")
    assert one.ready and one.beats.label.tolist() == [3] and ": 1 beat. " in one.describe()
    assert "label is from the file's name" in one.describe()
    upload = read_upload({f"b{i}.csv": text(ROWS[i : i + 1]) for i in range(3)})
    assert upload.name == "3 files" and np.allclose(upload.beats.signal, ROWS)


def test_a_column_is_a_recording_of_unknown_rate() -> None:
    upload = read(COLUMN)
    assert not upload.ready and "sampling rate is unknown" in upload.describe()
    assert np.allclose(upload.recording.read(0, 2000, 0), WAVE)
    known = read(COLUMN, fs=250)
    assert known.ready and "at 250 Hz, 8.0 s long, lead 0." in known.describe()


def test_rate_and_lead() -> None:
    lines = [f"{k / 250:.3f};{v:.4f};{-v:.4f}" for k, v in enumerate(WAVE)]
    content = "\n".join(["time;II (mV);V5", *lines]).encode()
    assert read(content).recording.fs == pytest.approx(250, rel=1e-3)
    other = read(content, lead=1, fs=500)
    assert (other.recording.fs, other.lead) == (500, 1)
    assert "long, V5" in other.describe() and "not 250" in other.describe()
    with pytest.raises(ValueError, match="There is no lead 2 in mine.csv"):
        read(content, lead=2)


def test_annotations_are_described(uploaded: Upload) -> None:
    marks = len(uploaded.recording.mark_sample)
    assert uploaded.ready and marks > 100
    assert f"MLII in mV, {marks} annotations" in uploaded.describe()


def test_corrections() -> None:
    assert len(read(text(ROWS), header=True).beats) == 2
    with pytest.raises(ValueError, match="at row 1, column 1"):
        read(b"a,b\n" + text(ROWS), header=False)
    assert len(read(COLUMN[:900]).beats) == 1
    assert read(COLUMN[:900], kind="recording").recording.n_samples > 100
    assert len(read(text(ROWS), kind="recording").recording.leads) == 3
    with pytest.raises(ValueError, match="has 2000 values. A beat has 187"):
        read(COLUMN, kind="beats")
    ambiguous = "\n".join(f"{i % 7},{i % 10}" for i in range(2000)).encode()
    assert len(read(ambiguous, decimal=".").recording.leads) == 2
    assert len(read(ambiguous, decimal=",").recording.leads) == 1
