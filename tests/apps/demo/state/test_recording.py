"""A whole recording in the demo: its beats, its rhythm, its trace."""

from dataclasses import replace

import numpy as np
import pytest

from demo_fakes import strip_of
from ecglib.apps.demo.state.background import StoppedError
from ecglib.apps.demo.state.recording import classify_upload, recorded_traces, written_traces
from ecglib.apps.demo.state.uploads import read_upload
from ecglib.beats.beats import cut_beats
from ecglib.recordings.wfdb import read_recording


def test_the_beats_are_those_of_the_classified_recording(classified, network, record) -> None:
    gallery, strip = classified
    table = network.classify_recording(record)
    assert gallery.beats.sample.tolist() == table["sample"].tolist()
    assert np.allclose(gallery.proba, table[[f"p_{c}" for c in "NSVFQ"]])
    assert np.allclose(gallery.classify(), gallery.proba, atol=1e-6)  # from the rows shown
    assert np.allclose(strip.time, table.time_s)
    assert np.allclose(strip.rr[1:], np.diff(table.time_s), atol=1e-3)


def test_annotations_give_the_true_classes(classified, record) -> None:
    gallery, strip = classified
    annotated = cut_beats(read_recording(record))
    known = gallery.beats.label >= 0
    assert known.mean() > 0.9 and strip.missed < 0.1 * len(annotated)
    nearest = np.abs(annotated.sample[:, None] - gallery.beats.sample[known]).argmin(axis=0)
    assert (annotated.label[nearest] == gallery.beats.label[known]).mean() > 0.99
    assert "beats found" in strip.describe() and "per minute" in strip.describe()


def test_unreadable_beats(noisy) -> None:
    gallery, strip = noisy
    unreadable = gallery.quality == "noise"
    assert 10 < unreadable.sum() < len(unreadable) / 2 and "unreadable" in strip.describe()
    assert np.array_equal(np.isnan(gallery.proba).all(axis=1), unreadable)
    assert np.allclose(gallery.classify(), gallery.proba, atol=1e-6, equal_nan=True)
    assert (strip.predicted[unreadable] == -1).all() and gallery.uncertain[unreadable].all()
    assert np.isnan(strip.rr[unreadable]).all()
    assert "are unreadable" in gallery.summary()
    gallery.select(outcome="right")
    assert not unreadable[gallery.chosen].any()
    gallery.select(outcome="unreadable")
    assert len(gallery) == unreadable.sum() and not gallery.next_abnormal()
    reading = gallery.reading()
    assert (reading.predicted, reading.right, reading.uncertain) == ("", None, True)


def test_a_recording_without_beats_or_rate_is_refused(network, uploaded) -> None:
    flat = replace(
        uploaded.recording, read=lambda start, stop, lead: np.zeros(stop - start, np.float32)
    )
    with pytest.raises(ValueError, match="No beats were found"):
        classify_upload(network, replace(uploaded, recording=flat))
    with pytest.raises(ValueError, match="sampling rate"):
        classify_upload(network, replace(uploaded, recording=replace(flat, fs=np.nan)))


def test_a_stop_ends_the_work_but_not_later_reading(network, uploaded) -> None:
    stopped = True

    def progress(share: None) -> None:
        if stopped:
            raise StoppedError

    with pytest.raises(StoppedError):  # before the first block is read
        classify_upload(network, uploaded, progress=progress)
    stopped = False
    gallery, strip = classify_upload(network, uploaded, progress=progress)
    stopped = True
    assert len(strip.signal()) == uploaded.recording.n_samples and gallery.reading().trace


def test_a_window_keeps_peaks_and_is_small(classified) -> None:
    _, strip = classified
    time, value = strip.window(0, strip.seconds, 2000)
    assert len(time) <= 2100 and (np.diff(time) > 0).all()
    assert value.max() == pytest.approx(strip.signal()[: int(time[-1] * strip.fs) + 1].max())
    time, value = strip.window(1, 2, 2000)
    assert len(time) == strip.fs + 2 and time[0] == 1
    for start, stop in ((-50, -10), (1e6, 2e6)):
        assert len(strip.window(start, stop, 2000)[0]) <= 2
    signal = np.zeros(100_000, dtype=np.float32)
    signal[50_000], signal[50_010:50_020] = 3, np.nan  # a gap hides no peak beside it
    strip = strip_of(signal, np.array([50_000]))
    assert np.nanmax(strip.window(0, strip.seconds, 2000)[1]) == 3


def test_every_moment_belongs_to_the_nearest_beat(classified) -> None:
    _, strip = classified
    moments = np.array([strip.time[0] - 1, strip.time[0], strip.time[3] + 0.01, strip.time[-1] + 5])
    assert strip.owner(moments).tolist() == [-1, 0, 3, -1]


def test_a_row_of_zeros_is_drawn_as_it_was_written() -> None:
    upload = read_upload({"a.csv": "\n".join([",".join(["0"] * 187)] * 2).encode()})
    assert written_traces(upload)(1).value.tolist() == [0] * 187


def test_test_beats_as_recorded(record) -> None:
    recording = read_recording(record)
    beats = cut_beats(recording)
    trace = recorded_traces(record.parent, beats)(5)
    at_peak = trace.value[np.abs(trace.ms).argmin()]
    assert at_peak == pytest.approx(recording.signal[beats.sample[5], 0]) and trace.unit == "mV"
    assert trace.ms[0] == pytest.approx(-300, abs=3) and trace.ms[-1] > 1500
    assert recorded_traces(None, beats)(5) is None
    gone = replace(beats, record=np.full(len(beats), "gone"))
    assert recorded_traces(record.parent, gone)(5) is None
