"""Files from the browser: complete, distinct, and not too many."""

import numpy as np
import pytest

from demo_fakes import csv, transfer, upload
from ecglib.apps.demo.page import ClassifierDemo
from ecglib.apps.demo.state.session import OWN
from ecglib.beats.beats import Beats


def test_too_much_is_refused_by_the_page_and_here(demo: ClassifierDemo) -> None:
    send = demo.view.own.files._receive
    send(None, {"kind": "refused", "count": 1, "size": 7e7}, [])
    assert "Too much: 1 file of 70.0 MB." in demo.view.message.value
    demo.view.own.files.limit_mb = 1  # the page is manipulated
    upload(demo, b"0" * 3_000_000)
    assert "The limit is 1 MB" in demo.view.message.value
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
def test_an_incomplete_transfer_is_not_a_file(
    demo: ClassifierDemo, beats: Beats, lost: int
) -> None:
    demo.view.pages.selected_index = OWN
    messages = [({"kind": "begin", "names": ["a.csv"]}, [])]
    messages += [({"kind": "piece", "index": 0}, [csv(part)]) for part in (beats[:2], beats[2:4])]
    del messages[lost]
    size = len(csv(beats[:2])) + len(csv(beats[2:4]))
    for message, buffers in [*messages, ({"kind": "end", "size": size}, [])]:
        demo.view.own.files._receive(None, message | {"transfer": "a"}, buffers)
    assert "a part of the file was lost." in demo.view.message.value
    assert demo.session.upload is None
    upload(demo, csv(beats[:4]))
    assert "4 beats" in demo.view.own.understood.value and not demo.view.message.value
