"""What stands out in a classified recording, its page, and its annotations."""

import json

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecglib.apps.report import command
from ecglib.apps.report.events import events, heart_rate, summarise
from ecglib.apps.report.page import STRIPS, draw_report, notable
from ecglib.beats.find import FoundBeats
from ecglib.models.recordings import ClassifiedRecording
from ecglib.recordings.recording import Ecg
from ecglib.recordings.rpeaks import WINDOW
from ecglib.recordings.wfdb import write_annotations


def classified(
    letters: str,
    rr: float = 0.8,
    longer: dict | None = None,
    lost: tuple[float, float] | None = None,
    name: str = "night",
    signal: np.ndarray | None = None,
    lead: int = 0,
) -> ClassifiedRecording:
    """A classified recording made by hand, "-" for an unreadable beat, ``lost`` seconds as well."""
    interval = np.full(len(letters), rr)
    for k, seconds in (longer or {}).items():
        interval[k] = seconds
    sample = np.rint((1 + interval.cumsum() - interval) * 360).astype(int)
    signal = np.zeros((round((interval.sum() + 3) * 360), 1)) if signal is None else signal
    leads = tuple(f"lead {k}" for k in range(signal.shape[1]))
    ecg = Ecg(name, 360.0, leads, ("mV",) * len(leads), len(signal), lambda a, b, k: signal[a:b, k])
    windows = np.full(-(-len(signal) // WINDOW), "ok", dtype="<U7")
    if lost:
        windows[round(lost[0] / 1.5) : round(lost[1] / 1.5)] = "flat"
    found = FoundBeats(ecg, (lead,), sample, sample, windows)
    table = pd.DataFrame(
        {
            "time_s": sample / 360,
            "sample": sample,
            "label": ["" if c == "-" else c for c in letters],
            "uncertain": [c == "-" for c in letters],
            "quality": ["noise" if c == "-" else "ok" for c in letters],
        }
    )
    return ClassifiedRecording(table, found)


@pytest.mark.parametrize(
    ("letters", "event", "beats"),
    [
        ("NNVVNN", "V couplet", [2]),
        ("NNVVVVNNVVVN", "V run", [4, 3]),
        ("NSSNSSSN", "S run", [3]),
        ("NSSNSSSN", "S couplet", [2]),
        ("NNNVNVNVNN", "bigeminy", [6]),
        ("NVNNVNNVNNVN", "trigeminy", [9]),
        ("NNVV-VN", "V run", []),  # nobody knows what was between
    ],
)
def test_patterns(letters: str, event: str, beats: list[int]) -> None:
    found = events(classified(letters))
    assert found.beats[found.event == event].tolist() == beats
    assert found.rate_bpm[found.event == event].tolist() == pytest.approx([75] * len(beats))


def test_a_lost_electrode_is_no_pause_and_ends_a_run() -> None:
    """Where no beat could be found there is none in the table, either."""
    still = classified("NNNNNVVNNNNNNNNN", longer={5: 60.0})
    assert (events(still).event == "pause").sum() == 1  # a heart that stood still
    lost = classified("NNNNNVVNNNNNNNNN", longer={5: 60.0}, lost=(6, 63))
    assert set(events(lost).event) == {"longest RR"} and events(lost).end_s.max() < 80
    told = summarise(lost)["heart_rate"]
    assert told["mean_bpm"] == pytest.approx(75) and told["lowest_bpm"] == pytest.approx(75)


def test_names_stay_as_they_are_in_json() -> None:
    told = summarise(classified("N", name="BaNaNa"))
    assert told["recording"]["name"] == "BaNaNa" and told["heart_rate"]["mean_bpm"] is None


def test_pauses_and_the_longest_interval() -> None:
    found = events(classified("N" * 20, longer={5: 2.5, 9: 3.1, 14: 1.9}))
    pauses = found[found.event == "pause"]
    assert (pauses.end_s - pauses.start_s).tolist() == pytest.approx([2.5, 3.1])
    longest = found[found.event == "longest RR"]
    assert longest.start_s.tolist() == pytest.approx([1 + 9 * 0.8 + 1.7])
    across = events(classified("NNN-NNN", longer={2: 5.0, 3: 9.0}))
    assert not (across.event == "pause").any()


def test_numbers() -> None:
    table = classified("N" * 60 + "V" * 10 + "-" * 5 + "S" * 5)
    told = summarise(table)
    assert json.loads(json.dumps(told)) == told
    assert told["classes"]["V"]["beats"] == 10
    assert told["burden"] == {"V": 10 / 75, "S": 5 / 75}
    assert told["recording"]["with_verdict"] == 75
    assert told["heart_rate"]["mean_bpm"] == pytest.approx(75)
    assert told["events"]["counts"]["V run"] == 1
    assert heart_rate(table).mean_bpm.tolist() == pytest.approx([75, 75])


def test_nothing_found_is_a_report_too() -> None:
    told = summarise(classified(""))
    assert told["classes"]["N"] == {"beats": 0, "share": 0, "per_hour": 0}
    assert told["heart_rate"]["mean_bpm"] is None


def test_the_page() -> None:
    table = classified("NNVVVNN" * 10, longer={34: 3.0})
    page = draw_report(table)
    said = " ".join(text.get_text() for text in page.texts)
    assert "Not a medical device" in said and "night" in said
    titles = [ax.get_title(loc="left") for ax in page.axes]
    assert any(t.startswith("pause") for t in titles)
    assert any(t.startswith("V run") for t in titles)


def test_strips_show_events_first_and_then_the_longest_noise() -> None:
    couplet = {"event": "V couplet", "start_s": 50.0, "end_s": 51.0, "beats": 2, "rate_bpm": 60.0}
    lengths = {10.0: 1.5, 100.0: 9.0, 103.0: 1.5} | {200.0 + 9 * k: 3.0 for k in range(9)}
    noise = [{"start_s": t, "end_s": t + n, "quality": "noise"} for t, n in lengths.items()]
    chosen = notable([couplet], noise)
    assert len(chosen) == STRIPS and [e["start_s"] for e in chosen][:3] == [50.0, 100.0, 200.0]
    assert chosen[1]["event"] == "no verdict, noise"


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


def test_a_recording_is_drawn_whatever_it_is_called_and_its_leads_are(tmp_path) -> None:
    beat = (np.arange(7200) % 300 == 100).astype(np.float32)
    two = np.stack([0 * beat, beat], axis=1)
    page = draw_report(classified("NNVVVNN" * 2, name=r"rec $x_$ a$\foo$", signal=two, lead=1))
    page.savefig(tmp_path / "page.png")
    strips = [line.get_ydata() for ax in page.axes[1:] for line in ax.lines[:1]]
    assert max(trace.max() for trace in strips) == 1  # of the second lead, which alone has beats
