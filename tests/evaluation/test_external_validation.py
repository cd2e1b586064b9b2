"""Other databases: scores by hand, beats matched one to one, any rate and lead."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecglib import Classifier, evaluate_recordings
from ecglib.datasets.synthetic import write_recordings
from ecglib.evaluation.external_validation import confusion, find_recordings, scores
from ecglib.models.patientwise.training import described_beats, fit_described
from ecglib.models.recordings import choose_leads
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.recording import Ecg
from ecglib.recordings.rpeaks import match_peaks
from ecglib.recordings.wfdb import read_recording


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_recordings(tmp_path_factory.mktemp("wfdb") / "s", n_records=3, minutes=2)


@pytest.fixture(scope="module")
def model(folder: Path):
    return fit_described(
        [described_beats(read_recording(folder / name)) for name in ("s01", "s02")]
    )


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
        (("V5", "MLII"), "auto", 2, [1, 0]),
        (("I", "II", "III", "V1", "V5"), "auto", 2, [1, 3]),
        (("I", "II", "III", "V1"), "auto", 1, [1]),
        (("ECG1", "ECG2"), "auto", 2, [0, 1]),
        (("ECG",), "auto", 2, [0]),
        (("ECG lead V1", "ECG lead II"), "auto", 1, [1]),
        (("ECG", "ECG"), "auto", 2, [0, 1]),
        (("I", "II"), "ii", 1, [1]),
        (("I", "ECG II"), "II", 1, [1]),
        (("I", "II"), np.int64(1), 1, [1]),
        (("I", "II"), (1, "I"), 2, [1, 0]),
    ],
)
def test_leads_by_number_name_or_likeness(names, asked, most, picked) -> None:
    ecg = Ecg("I01", 257, names, ("mV",) * len(names), 0, read=None)
    assert choose_leads(ecg, asked, most) == tuple(picked)


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


def test_folders_inside_and_recordings_without_annotated_beats(
    foreign: Path, tmp_path: Path
) -> None:
    """Databases come in folders; some of their records hold no reference beats to be judged by."""
    for name in ("a", "b/c"):
        shutil.copytree(foreign, tmp_path / name)
    (tmp_path / "a" / "I01.atr").unlink()
    rhythm = {"aux_note": ["(AFIB", "(N"], "write_dir": str(tmp_path / "b" / "d")}
    shutil.copytree(foreign, tmp_path / "b" / "d")
    wfdb.wrann("I01", "atr", np.array([50, 900]), ["+", "+"], **rhythm)
    result = evaluate_recordings(tmp_path, "compact")
    assert result.leads == {"b/c/I01": ("II",)} and set(result.beats.record) == {"b/c/I01"}
    assert result.left_out == {"a/I01": "no .atr file", "b/d/I01": "no annotated beats"}
    assert set(find_recordings(tmp_path / "a")) == {"I01"}
    with pytest.raises(ValueError, match="I01: no annotated beats"):
        evaluate_recordings(tmp_path / "b" / "d", "compact")


def test_codes_of_an_annotators_own_are_no_beats(foreign: Path, tmp_path: Path) -> None:
    shutil.copytree(foreign, tmp_path, dirs_exist_ok=True)
    notes = (b"## annotation type definitions", b"42 VT my tachycardia", b"## end of definitions")
    text = b"".join(
        word(22, 0) + word(63, len(each)) + each + b"\0" * (len(each) % 2) for each in notes
    )
    marks = [word(1, 100), word(42, 300), word(45, 300), word(5, 300), word(0, 0)]
    (tmp_path / "I01.atr").write_bytes(text + b"".join(marks))
    assert set(read_recording(tmp_path / "I01").mark_symbol) == {'"', "N", "V"}
    with open_ecg(tmp_path / "I01.hea") as ecg:
        assert set(ecg.mark_symbol) == {'"', "N", "V"}
    beats = evaluate_recordings(tmp_path, "compact").beats
    assert beats[beats.way == "annotated"].true.tolist() == ["N", "V"]


def word(code: int, time: int) -> bytes:
    """One annotation of a ``.atr`` file: its code, and the samples since the one before."""
    return (code << 10 | time).to_bytes(2, "little")


@pytest.mark.parametrize("beats", [1, 2, 3])
def test_very_short_recordings(foreign: Path, tmp_path: Path, model, beats: int) -> None:
    whole = read_recording(foreign / "I01")
    is_beat = np.flatnonzero(np.isin(whole.mark_symbol, ["B", "V", "A"]))[:beats]
    end = int(whole.mark_sample[is_beat[-1]]) + 60
    how = {"fs": 257, "units": ["NU"], "sig_name": ["ECG"], "fmt": ["80"], "adc_gain": [40.0]}
    signal = whole.signal[:end, 1:2].astype(float)
    wfdb.wrsamp("short", p_signal=signal, baseline=[0], write_dir=str(tmp_path), **how)
    header = tmp_path / "short.hea"
    header.write_text("# a comment\n" + header.read_text().replace("40.0(0)/NU", "0"))
    marks, symbols = whole.mark_sample[is_beat], whole.mark_symbol[is_beat].tolist()
    wfdb.wrann("short", "atr", marks, symbols, write_dir=str(tmp_path))
    for each in (model, "compact"):
        result = evaluate_recordings(tmp_path, each)
        assert (result.beats[result.beats.way == "annotated"].true.str.len() == 1).all()
        assert result.gross.set_index(["way", "class"]).loc[("annotated", "all"), "beats"] == beats


def test_errors_say_what_to_do(foreign: Path, tmp_path: Path, model) -> None:
    with pytest.raises(ValueError, match="no annotated recordings"):
        evaluate_recordings(tmp_path, model)
    with pytest.raises(ValueError, match="no lead V9 in I01; it has 3, .*: 'I', 'II', 'V1'"):
        evaluate_recordings(foreign, model, lead="V9")
    with pytest.raises(ValueError, match="uses 1 lead, not 2"):
        evaluate_recordings(foreign, "compact", lead=("II", "V1"))
    with pytest.raises(ValueError, match="no classes"):
        evaluate_recordings(foreign, model, classes="NX")


@pytest.mark.parametrize(("marked", "until"), [(False, 0), (True, 60), (True, 200)])
def test_nothing_is_found_or_missed_in_flutter(folder, model, tmp_path, marked, until) -> None:
    """With the beats of half a minute unmarked: false ones, unless the stretch is said to be so."""
    recording = read_recording(folder / "s03")
    second = recording.mark_sample / recording.fs
    keep = (second < 30) | (second > 60)
    marks = list(zip(recording.mark_sample[keep], recording.mark_symbol[keep], strict=True))
    if marked:
        marks += [(30 * 360, "["), (45 * 360, "!")]
        marks += [(60 * 360, "]")] * (until == 60)
    sample, symbol = map(np.array, zip(*sorted(marks), strict=True))
    for kind in ("hea", "dat"):
        shutil.copy(folder / f"s03.{kind}", tmp_path)
    wfdb.wrann("s03", "atr", sample, symbol, write_dir=str(tmp_path))
    beats = evaluate_recordings(tmp_path, model).beats
    time = beats["sample"] / recording.fs
    own = beats[(beats["way"] == "end to end") & time.between(30.2, 59.8)]
    assert len(own) == 0 if marked else (own["true"] == "no beat").sum() > 20
    after = beats[(beats["way"] == "end to end") & (time > 61)]
    assert len(after) == 0 if until == 200 else (after["true"] != "no beat").mean() > 0.95
