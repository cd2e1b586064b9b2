"""The page for an ECG of one's own."""

from pathlib import Path

import pytest

from demo_fakes import FakeClassifier, classify, csv, upload
from ecglib.apps.demo.page import ClassifierDemo
from ecglib.apps.demo.state.session import OWN, TEST
from ecglib.beats.beats import Beats


def test_an_upload_is_read_then_classified(demo: ClassifierDemo, beats: Beats) -> None:
    view = demo.view
    view.threshold.value = 0.98
    view.outcome.value = "wrong"
    upload(demo, csv(beats[3:5]))
    assert "mine.csv: 2 beats. Labels are in the last column." in view.own.understood.value
    assert view.body.layout.display == "none" and view.own.lead.layout.display == "none"
    view.own.classify.click()
    assert view.body.layout.display is None
    assert "Beat 1 of 2: mine.csv, beat 1" in view.position.value and view.outcome.value == "all"
    assert "UNCERTAIN" in view.result.value  # the threshold stays
    assert "50.0% of all are right" in view.summary.value  # the file tells the classes
    classify(demo, csv(beats[3:5], labels=False))
    assert "True class unknown" in view.result.value
    view.pages.selected_index = TEST
    assert "Beat 1 of 10: record 100" in view.position.value
    view.pages.selected_index = OWN
    assert "Beat 1 of 2: mine.csv" in view.position.value


def test_corrections_read_the_file_again(demo: ClassifierDemo) -> None:
    lines = "time,I,II\n" + "\n".join(f"{i / 250:.3f},{i % 50},{i % 60}" for i in range(1000))
    view = demo.view
    upload(demo, lines.encode())
    assert "at 250 Hz, 4.0 s long, I." in view.own.understood.value
    assert view.own.fs.value == 250 and view.own.lead.options == (("I", 0), ("II", 1))
    view.own.lead.value = 1
    demo.wait()
    assert "long, II." in view.own.understood.value
    view.own.fs.value = 500
    demo.wait()
    assert "at 500 Hz, 2.0 s long, II." in view.own.understood.value
    assert "not 250" in view.own.understood.value and view.own.lead.value == 1
    view.own.fs.value = -5
    demo.wait()
    assert "Error" in view.message.value and view.own.fs.value == -5
    view.own.fs.value = 250
    demo.wait()
    assert "Error" not in view.message.value and "at 250 Hz" in view.own.understood.value
    view.own.kind.value = "beats"
    demo.wait()
    assert "A row of mine.csv has 3 values" in view.message.value
    view.own.kind.value = "auto"
    demo.wait()
    assert "Error" not in view.message.value
    view.own.header.value = True
    demo.wait()
    upload(demo, b"1,2\n" * 500)  # another file has no corrections yet
    assert view.own.header.value is None and view.own.fs.value == 0
    assert "Enter it in Hz" in view.own.understood.value
    view.own.classify.click()
    assert "Enter it in Hz first" in view.message.value


def test_samples_and_recordings_are_classified_at_once(beats: Beats, tmp_path: Path) -> None:
    (tmp_path / "sample_001_Ventricular_label2.csv").write_bytes(csv(beats[3], labels=False))
    demo = ClassifierDemo(FakeClassifier(), beats, samples=tmp_path)
    demo.view.pages.selected_index = OWN
    demo.view.own.sample.value = "sample_001_Ventricular_label2.csv"
    demo.wait()
    assert "Right" in demo.view.result.value and "V Ventricular" in demo.view.result.value
    assert demo.view.own.recording.layout.display == "none"


@pytest.mark.parametrize("content", [b"", b"1,2,3", b"\x00\x01", b"a,b\nc,d", b"PK\x03\x04junk"])
def test_bad_uploads_are_refused_and_change_nothing(demo: ClassifierDemo, content: bytes) -> None:
    before = demo.view.position.value
    upload(demo, content, name="<b>bad</b>.csv")
    assert 'role="alert"' in demo.view.message.value and "<b>bad" not in demo.view.message.value
    demo.view.pages.selected_index = TEST
    assert demo.view.position.value == before and demo.view.message.value == ""


def test_a_bad_upload_leaves_nothing_of_the_one_before(demo: ClassifierDemo, beats: Beats) -> None:
    classify(demo, csv(beats[3:5]))
    upload(demo, b"1,2,3", name="bad.csv")
    view = demo.view
    assert "bad.csv" in view.message.value and "mine.csv" not in view.own.understood.value
    assert view.body.layout.display == "none"  # neither a beat nor its buttons
    view.threshold.value = 0.5
    assert view.message.value == ""  # it was shown once
