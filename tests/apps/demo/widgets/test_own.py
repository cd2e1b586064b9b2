"""The interactive classifier with an ECG of one's own, handed in as files."""

from pathlib import Path

import numpy as np
import pytest

from demo_fakes import FakeClassifier, classify, csv, transfer, upload
from ecglib.apps.demo.page import ClassifierDemo
from ecglib.apps.demo.state.session import OWN, TEST
from ecglib.beats.beats import Beats


def test_upload_understood_then_classified(demo: ClassifierDemo, beats: Beats) -> None:
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


def test_the_same_file_can_be_sent_twice(demo: ClassifierDemo, beats: Beats) -> None:
    for _ in range(2):
        classify(demo, csv(beats[:1]))
        assert "Beat 1 of 1: mine.csv" in demo.view.position.value


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
    assert "500 Hz as you say, not 250" in view.own.understood.value and view.own.lead.value == 1
    view.own.kind.value = "beats"
    demo.wait()
    assert "A row of mine.csv has 3 values" in view.message.value
    view.own.kind.value = "auto"
    demo.wait()
    assert "Error" not in view.message.value
    view.own.header.value = True
    demo.wait()
    upload(demo, b"1,2\n" * 500)  # of another file, nothing has been said yet
    assert view.own.header.value is None and view.own.fs.value == 0


def test_an_impossible_rate_can_be_taken_back(demo: ClassifierDemo) -> None:
    lines = "time,I\n" + "\n".join(f"{i / 250:.3f},{i % 50}" for i in range(1000))
    view = demo.view
    upload(demo, lines.encode())
    view.own.fs.value = -5
    demo.wait()
    assert "Error" in view.message.value and view.own.fs.value == -5
    view.own.fs.value = 250
    demo.wait()
    assert "Error" not in view.message.value and "at 250 Hz" in view.own.understood.value


def test_an_unknown_rate_is_asked_for(demo: ClassifierDemo) -> None:
    upload(demo, "\n".join(str(i % 97) for i in range(3000)).encode())
    view = demo.view
    assert "give it in Hz" in view.own.understood.value and view.own.fs.value == 0
    view.own.classify.click()
    assert "give its sampling rate in Hz first" in view.message.value


def test_samples_and_recordings_are_classified_at_once(beats: Beats, tmp_path: Path) -> None:
    (tmp_path / "sample_001_Ventricular_label2.csv").write_bytes(csv(beats[3], labels=False))
    demo = ClassifierDemo(FakeClassifier(), beats, samples=tmp_path)
    demo.view.pages.selected_index = OWN
    demo.view.own.sample.value = "sample_001_Ventricular_label2.csv"
    demo.wait()
    assert "Right" in demo.view.result.value and "V Ventricular" in demo.view.result.value
    assert demo.view.own.recording.layout.display == "none"


@pytest.mark.parametrize("content", [b"", b"1,2,3", b"\x00\x01", b"a,b\nc,d", b"PK\x03\x04junk"])
def test_bad_uploads_are_told_and_change_nothing(demo: ClassifierDemo, content: bytes) -> None:
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
    assert view.body.layout.display == "none"  # no beat, and no button that asks for one
    view.threshold.value = 0.5
    assert view.message.value == ""  # it was told once


def test_too_much_is_refused_by_the_page_and_by_us(demo: ClassifierDemo) -> None:
    send = demo.view.own.files._receive
    send(None, {"kind": "refused", "count": 1, "size": 7e7}, [])
    assert "1 file of 70.0 MB: that is too much" in demo.view.message.value
    demo.view.own.files.limit_mb = 1  # what a page says that has been tampered with
    upload(demo, b"0" * 3_000_000)
    assert "that is too much. The limit is 1 MB" in demo.view.message.value
    assert demo.session.upload is None
    upload(demo, {f"{number}.csv": b"1" for number in range(201)})
    assert "201 files" in demo.view.message.value and demo.session.upload is None


def test_pieces_of_an_older_transfer_are_dropped(demo: ClassifierDemo, beats: Beats) -> None:
    demo.view.pages.selected_index = OWN
    send = demo.view.own.files._receive
    send(None, {"kind": "begin", "transfer": "old", "names": ["old.csv"]}, [])
    send(None, {"kind": "begin", "transfer": "new", "names": ["new.csv"]}, [])
    send(None, {"kind": "piece", "transfer": "old", "index": 0}, [b"rubbish"])
    send(None, {"kind": "piece", "transfer": "new", "index": 0}, [csv(beats[:1])])
    send(None, {"kind": "end", "transfer": "old", "size": 7}, [])
    send(None, {"kind": "end", "transfer": "new", "size": len(csv(beats[:1]))}, [])
    assert "new.csv: 1 beat." in demo.view.own.understood.value


def test_files_of_one_name_stay_apart(demo: ClassifierDemo, beats: Beats) -> None:
    transfer(demo, ["b.csv"] * 3, [csv(beats[k : k + 1]) for k in range(3)])
    read = demo.session.upload.beats
    assert read.record.tolist() == ["b (2).csv", "b (3).csv", "b.csv"]
    assert np.allclose(read.signal, beats.signal[[1, 2, 0]])


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_transfer_with_a_hole_is_no_file(demo: ClassifierDemo, beats: Beats, lost: int) -> None:
    demo.view.pages.selected_index = OWN
    messages = [({"kind": "begin", "names": ["a.csv"]}, [])]
    messages += [({"kind": "piece", "index": 0}, [csv(part)]) for part in (beats[:2], beats[2:4])]
    del messages[lost]
    size = len(csv(beats[:2])) + len(csv(beats[2:4]))
    for message, buffers in [*messages, ({"kind": "end", "size": size}, [])]:
        demo.view.own.files._receive(None, message | {"transfer": "a"}, buffers)
    assert "a part was lost. Hand it in again." in demo.view.message.value
    assert demo.session.upload is None
    upload(demo, csv(beats[:4]))
    assert "4 beats" in demo.view.own.understood.value and not demo.view.message.value
