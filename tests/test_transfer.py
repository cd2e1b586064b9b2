"""Other databases: scores by hand, beats matched one to one, any rate and lead."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecglib import Classifier, evaluate_recordings
from ecglib.patientwise_training import fit_patientwise
from ecglib.recordings import read_recording
from ecglib.rpeaks import match_peaks
from ecglib.synthetic import write_recordings
from ecglib.transfer import confusion, pick_leads, scores


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_recordings(tmp_path_factory.mktemp("wfdb") / "s", n_records=3, minutes=2)


@pytest.fixture(scope="module")
def model(folder: Path):
    return fit_patientwise([read_recording(folder / name) for name in ("s01", "s02")])


@pytest.fixture(scope="module")
def foreign(folder: Path, tmp_path_factory) -> Path:
    """The third patient at 257 Hz with leads of other names and symbols MIT-BIH doesn't know."""
    from scipy.signal import resample_poly

    recording, other = read_recording(folder / "s03"), tmp_path_factory.mktemp("foreign")
    signal = resample_poly(recording.signal, 257, 360)
    wfdb.wrsamp(
        "I01",
        fs=257,
        units=["mV"] * 3,
        sig_name=["I", "II", "V1"],
        p_signal=np.column_stack([0.01 * signal[:, 1], signal]).astype(float),
        fmt=["16"] * 3,
        write_dir=str(other),
    )
    marks = np.rint(recording.mark_sample * 257 / 360).astype(int)
    symbols = ["B" if s == "N" else s for s in recording.mark_symbol]
    wfdb.wrann("I01", "atr", marks, symbols, write_dir=str(other))
    return other


def beats(true: str, predicted: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"true": list(true), "predicted": predicted})


def test_scores_by_hand() -> None:
    table = scores(beats("NNNSSVVFQF", list("NNSSNVVVSN")), "NSV").set_index("class")
    assert table.loc["V", ["tp", "fn", "fp"]].tolist() == [2, 0, 0], "an F called V is forgiven"
    assert table.loc["S", ["tp", "fn", "fp"]].tolist() == [1, 1, 1], "a Q called S is forgiven"
    assert table.loc["N", ["tp", "fn", "fp"]].tolist() == [2, 1, 2], "an F called N is not"
    assert table.loc["all", "accuracy"] == pytest.approx(5 / 7)
    assert table.loc["all", "f1"] == pytest.approx(table.f1[["N", "S", "V"]].mean())
    with_f = scores(beats("NNNSSVVFQF", list("NNSSNVVVSN")), "NSVF").set_index("class")
    assert with_f.loc["F", "sensitivity"] == 0


def test_missed_and_invented_beats_count() -> None:
    ours = pd.DataFrame({"true": ["V", "V", "no beat"], "predicted": ["V", "missed", "V"]})
    row = scores(ours, "V").iloc[0]
    assert (row.tp, row.fn, row.fp) == (1, 1, 1)
    assert confusion(ours).loc["V", "missed"] == 1


def test_each_detection_belongs_to_one_annotation() -> None:
    marks, found = np.array([100, 130, 400, 900]), np.array([128, 350, 410, 2000])
    assert [part.tolist() for part in match_peaks(marks, found, window=54)] == [[1, 2], [0, 2]]
    assert len(match_peaks(marks, np.zeros(0, int))[0]) == 0


@pytest.mark.parametrize(
    ("names", "asked", "most", "picked"),
    [
        (("V5", "MLII"), None, 2, [1, 0]),
        (("I", "II", "III", "V1", "V5"), None, 2, [1, 3]),
        (("I", "II", "III", "V1"), None, 1, [1]),
        (("ECG1", "ECG2"), None, 2, [0, 1]),
        (("ECG",), None, 2, [0]),
        (("I", "II"), "ii", 1, [1]),
        (("I", "II"), (1, "I"), 2, [1, 0]),
    ],
)
def test_leads_by_number_name_or_likeness(names, asked, most, picked) -> None:
    assert pick_leads(names, asked, most) == picked


def test_another_database(foreign: Path, model) -> None:
    result = evaluate_recordings(foreign, model)
    assert result.leads == {"I01": ("II", "V1")}
    for way in ("annotated", "end to end"):
        table = result.gross[result.gross.way == way].set_index("class")
        assert table.loc["N", "sensitivity"] > 0.9, way
        assert table.loc["V", "f1"] > 0.7, way
    n = len(result.beats[result.beats.way == "annotated"])
    assert result.confusion.loc["annotated"].to_numpy().sum() == n


def test_an_ordinary_network_too(foreign: Path) -> None:
    result = evaluate_recordings(foreign, Classifier.load(), classes="NSVF", lead="II")
    assert set(result.per_record["class"]) == {"N", "S", "V", "F", "all"}
    by_name = evaluate_recordings(foreign, "compact", classes="NSVF", lead=1)
    pd.testing.assert_frame_equal(result.gross, by_name.gross)


def test_errors_say_what_to_do(foreign: Path, tmp_path: Path, model) -> None:
    with pytest.raises(ValueError, match="no annotated recordings"):
        evaluate_recordings(tmp_path, model)
    with pytest.raises(ValueError, match="I, II, V1"):
        evaluate_recordings(foreign, model, lead="V9")
    with pytest.raises(ValueError, match="no classes"):
        evaluate_recordings(foreign, model, classes="NX")
