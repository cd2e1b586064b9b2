"""Events and numbers of a classified recording."""

import json

import pytest

from classified_recordings import classified
from ecglib.apps.report.events import events, heart_rate, summarise


@pytest.mark.parametrize(
    ("letters", "event", "beats"),
    [
        ("NNVVNN", "V couplet", [2]),
        ("NNVVVVNNVVVN", "V run", [4, 3]),
        ("NSSNSSSN", "S run", [3]),
        ("NSSNSSSN", "S couplet", [2]),
        ("NNNVNVNVNN", "bigeminy", [6]),
        ("NVNNVNNVNNVN", "trigeminy", [9]),
        ("NNVV-VN", "V run", []),  # the class between is unknown
    ],
)
def test_patterns(letters: str, event: str, beats: list[int]) -> None:
    found = events(classified(letters))
    assert found.beats[found.event == event].tolist() == beats
    assert found.rate_bpm[found.event == event].tolist() == pytest.approx([75] * len(beats))


def test_an_unreadable_stretch_is_not_a_pause_and_ends_a_run() -> None:
    still = classified("NNNNNVVNNNNNNNNN", longer={5: 60.0})
    assert (events(still).event == "pause").sum() == 1  # the heart stopped
    lost = classified("NNNNNVVNNNNNNNNN", longer={5: 60.0}, lost=(6, 63))
    assert set(events(lost).event) == {"longest RR"} and events(lost).end_s.max() < 80
    rate = summarise(lost)["heart_rate"]
    assert rate["mean_bpm"] == pytest.approx(75) and rate["lowest_bpm"] == pytest.approx(75)


def test_pauses_and_the_longest_interval() -> None:
    found = events(classified("N" * 20, longer={5: 2.5, 9: 3.1, 14: 1.9}))
    pauses = found[found.event == "pause"]
    assert (pauses.end_s - pauses.start_s).tolist() == pytest.approx([2.5, 3.1])
    longest = found[found.event == "longest RR"]
    assert longest.start_s.tolist() == pytest.approx([1 + 9 * 0.8 + 1.7])
    across = events(classified("NNN-NNN", longer={2: 5.0, 3: 9.0}))
    assert not (across.event == "pause").any()


def test_numbers() -> None:
    recording = classified("N" * 60 + "V" * 10 + "-" * 5 + "S" * 5, name="BaNaNa")
    report = summarise(recording)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["classes"]["V"]["beats"] == 10
    assert report["burden"] == {"V": 10 / 75, "S": 5 / 75}
    about = report["recording"]
    assert (about["name"], about["fs"], about["lead"]) == ("BaNaNa", 360, "lead 0")
    assert (about["beats"], about["with_verdict"]) == (80, 75) and about["duration_s"] > 60
    assert report["heart_rate"]["mean_bpm"] == pytest.approx(75)
    assert report["events"]["counts"]["V run"] == 1
    assert heart_rate(recording).mean_bpm.tolist() == pytest.approx([75, 75])


def test_a_report_without_beats() -> None:
    report = summarise(classified(""))
    assert report["classes"]["N"] == {"beats": 0, "share": 0, "per_hour": 0}
    assert all(report["heart_rate"][f"{k}_bpm"] is None for k in ("mean", "lowest", "highest"))
