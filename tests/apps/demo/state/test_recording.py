"""A whole recording in the demo: beats, rhythm, and what is drawn of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecglib.apps.demo.start import known_predictions, model_files
from ecglib.apps.demo.state.background import StoppedError
from ecglib.apps.demo.state.gallery import Gallery
from ecglib.apps.demo.state.recording import Strip, classify_upload, recorded_traces, written_traces
from ecglib.apps.demo.state.results import as_annotations, as_csv, results
from ecglib.apps.demo.state.uploads import Upload, read_upload
from ecglib.apps.demo.widgets.elements import reading_html
from ecglib.apps.demo.widgets.strip import StripTrace
from ecglib.apps.demo.widgets.traces import GREY, BeatTrace
from ecglib.beats.beats import cut_beats
from ecglib.datasets.synthetic import cached
from ecglib.evaluation.results import save_predictions
from ecglib.models.classifier import Classifier
from ecglib.models.network import build_model
from ecglib.paths import MODELS, Run
from ecglib.recordings.wfdb import read_recording


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(build_model("compact"), {"name": "compact"})


def record() -> Path:
    return sorted(cached().glob("*.hea"))[0].with_suffix("")


@pytest.fixture(scope="module")
def upload() -> Upload:
    return read_upload(
        {
            f"{record().name}.{k}": record().with_suffix(f".{k}").read_bytes()
            for k in ("hea", "dat", "atr")
        }
    )


@pytest.fixture(scope="module")
def found(classifier: Classifier, upload: Upload) -> tuple[Gallery, Strip]:
    return classify_upload(classifier, upload)


def test_what_is_shown_is_what_the_classifier_said(found, classifier, upload) -> None:
    gallery, strip = found
    table = classifier.classify_recording(record())
    assert gallery.beats.sample.tolist() == table["sample"].tolist() == strip.peak.tolist()
    assert np.allclose(gallery.proba, table[[f"p_{c}" for c in "NSVFQ"]])
    assert np.allclose(gallery.classify(), gallery.proba, atol=1e-6)  # from the rows that are shown
    assert np.allclose(strip.rr[1:], np.diff(table.time_s), atol=1e-3)


def test_annotations_give_the_true_classes(found, upload) -> None:
    gallery, strip = found
    annotated = cut_beats(upload.recording)
    known = gallery.beats.label >= 0
    assert known.mean() > 0.9 and strip.missed < 0.1 * len(annotated)
    nearest = np.abs(annotated.sample[:, None] - gallery.beats.sample[known]).argmin(axis=0)
    assert (annotated.label[nearest] == gallery.beats.label[known]).mean() > 0.99
    assert "beats found" in strip.describe() and "a minute" in strip.describe()


def test_a_recording_without_beats_or_rate_is_refused(classifier, upload) -> None:
    flat = replace(upload.recording, signal=np.zeros((5000, 1), np.float32), leads=("I",))
    with pytest.raises(ValueError, match="No beats were found"):
        classify_upload(classifier, replace(upload, recording=flat))
    with pytest.raises(ValueError, match="sampling rate"):
        classify_upload(classifier, replace(upload, recording=replace(flat, fs=np.nan)))


def test_a_window_keeps_peaks_and_is_small(found) -> None:
    _, strip = found
    time, value = strip.window(0, strip.seconds, 2000)
    assert len(time) <= 2100 and (np.diff(time) > 0).all()
    assert value.max() == pytest.approx(strip.signal[: int(time[-1] * strip.fs) + 1].max())
    time, value = strip.window(1, 2, 2000)
    assert len(time) == strip.fs + 2 and time[0] == 1
    for start, stop in ((-50, -10), (1e6, 2e6)):
        assert len(strip.window(start, stop, 2000)[0]) <= 2


def test_a_gap_hides_no_peak_beside_it() -> None:
    signal = np.zeros(100_000, dtype=np.float32)
    signal[50_000], signal[50_010:50_020] = 3, np.nan
    strip = Strip("gap", "MLII", "mV", 360.0, signal, np.array([50_000]), np.array([0]))
    assert np.nanmax(strip.window(0, strip.seconds, 2000)[1]) == 3


def test_the_strip_shows_nothing_beyond_the_recording() -> None:
    peak = 360 * np.arange(1, 60)
    signal = np.zeros(60 * 360, dtype=np.float32)
    trace = StripTrace()
    trace.load(Strip("flat", "MLII", "mV", 360.0, signal, peak, np.zeros(59, dtype=int)))
    for beat, span in ((58, (50, 60)), (0, (0, 10)), (29, (25, 35))):
        trace.look_at(beat)
        assert trace.x.span == span
    trace.load(Strip("short", "MLII", "mV", 360.0, signal[:1800], peak[:4], np.zeros(4, dtype=int)))
    trace.look_at(3)
    trace.centre()
    assert trace.x.span[0] == 0


def test_every_moment_belongs_to_the_nearest_beat(found) -> None:
    _, strip = found
    moments = np.array([strip.time[0] - 1, strip.time[0], strip.time[3] + 0.01, strip.time[-1] + 5])
    assert strip.owner(moments).tolist() == [-1, 0, 3, -1]


def test_what_is_taken_away(found, tmp_path: Path) -> None:
    gallery, strip = found
    table = pd.read_csv(pd.io.common.BytesIO(as_csv(results(gallery, strip))))
    assert len(table) == len(gallery) and {"time_s", "true_label", "right"} <= set(table)
    (tmp_path / "x.atr").write_bytes(as_annotations(gallery, strip))
    marks = wfdb.rdann(str(tmp_path / "x"), "atr")
    assert marks.sample.tolist() == gallery.beats.sample.tolist() and marks.fs == strip.fs
    assert marks.symbol == table.label.fillna("|").tolist()
    noted = [note.strip("\0") == "uncertain" for note in marks.aux_note]
    assert noted == table.uncertain.tolist()
    few = gallery.with_model(gallery.classifier)
    few.proba, few.chosen = gallery.proba, gallery.chosen[:0]
    with pytest.raises(ValueError, match="no beat to write down"):
        as_annotations(few, strip)


def test_beats_without_a_verdict_are_shown_as_such(classifier, upload, tmp_path: Path) -> None:
    signal = upload.recording.signal.copy()
    noisy = slice(20 * 360, 50 * 360)
    signal[noisy] += np.random.default_rng(0).normal(0, 2, signal[noisy].shape)
    gallery, strip = classify_upload(
        classifier, replace(upload, recording=replace(upload.recording, signal=signal))
    )
    mute = gallery.quality == "noise"
    assert 10 < mute.sum() < len(mute) / 2 and "have no verdict" in strip.describe()
    assert np.isnan(gallery.proba[mute]).all() and np.isfinite(gallery.proba[~mute]).all()
    assert np.allclose(gallery.classify(), gallery.proba, atol=1e-6, equal_nan=True)
    assert (strip.predicted[mute] == -1).all() and gallery.uncertain[mute].all()
    assert "have no verdict" in gallery.summary()

    table = pd.read_csv(pd.io.common.BytesIO(as_csv(results(gallery, strip))))
    empty = table.loc[mute, ["label", "confidence", "p_N", "p_Q", "right"]]
    assert empty.isna().all(axis=None) and set(table.quality[mute]) == {"noise"}
    (tmp_path / "x.atr").write_bytes(as_annotations(gallery, strip))
    marks = wfdb.rdann(str(tmp_path / "x"), "atr")
    assert [symbol == "|" for symbol in marks.symbol] == mute.tolist()

    gallery.select(outcome="right")
    assert not mute[gallery.chosen].any()
    gallery.select(outcome="without a verdict")
    assert len(gallery) == mute.sum() and not gallery.next_abnormal()
    reading = gallery.reading()
    page = reading_html(reading)
    assert (reading.predicted, reading.right, reading.uncertain) == ("", None, True)
    assert "~ No verdict" in page and "Noise" in page
    assert "%" not in page.replace("100%", "") and "Probability" not in page
    trace = BeatTrace()
    trace.draw(reading, raw=False, paper=False)
    assert trace.letter.text.tolist() == ["~"] and trace.trace.colors == [GREY]
    whole = StripTrace()
    whole.load(strip)
    whole.x.show(25, 35)
    whole.refresh()
    assert "~" in whole.letters.text.tolist()


def test_a_stop_ends_the_work_on_a_recording(classifier, upload) -> None:
    """Before the next block is read, and not at its end."""
    asked = []

    def stop(share: None) -> None:
        asked.append(share)
        raise StoppedError

    with pytest.raises(StoppedError):
        classify_upload(classifier, upload, progress=stop)
    assert asked == [None]


def test_a_row_of_zeros_is_drawn_as_it_was_written() -> None:
    upload = read_upload({"a.csv": "\n".join([",".join(["0"] * 187)] * 2).encode()})
    assert written_traces(upload)(1).value.tolist() == [0] * 187


def test_test_beats_as_they_were_recorded() -> None:
    recording = read_recording(record())
    beats = cut_beats(recording)
    trace = recorded_traces(record().parent, beats)(5)
    at_peak = trace.value[np.abs(trace.ms).argmin()]
    assert at_peak == pytest.approx(recording.signal[beats.sample[5], 0]) and trace.unit == "mV"
    assert trace.ms[0] == pytest.approx(-300, abs=3) and trace.ms[-1] > 1500
    assert recorded_traces(None, beats)(5) is None
    gone = replace(beats, record=np.full(len(beats), "gone"))
    assert recorded_traces(record().parent, gone)(5) is None


def test_known_predictions_are_used_only_if_they_are_the_models(classifier, tmp_path: Path) -> None:
    test = cut_beats(read_recording(record()))
    run = Run(str(tmp_path))
    assert known_predictions(run, classifier, test) is None
    proba = classifier.predict_proba(test.signal)
    save_predictions(run, "compact", "test", test, np.arange(len(test)), proba)
    assert np.allclose(known_predictions(run, classifier, test), proba, atol=1e-6)
    assert known_predictions(run, classifier, test[:-1]) is None  # of other beats
    save_predictions(run, "compact", "test", test, np.arange(len(test)), proba[:, ::-1])
    assert known_predictions(run, classifier, test) is None  # of another model


def test_networks_of_the_run_come_before_those_of_the_project(tmp_path: Path) -> None:
    shipped = set(model_files(Run(str(tmp_path))))
    assert "compact" in shipped and "patients" not in shipped  # trees don't judge single beats
    own = tmp_path / "models" / "compact.safetensors"
    own.parent.mkdir()
    own.write_bytes((MODELS / "compact.safetensors").read_bytes())
    own.with_name("torn.safetensors").touch()
    found = model_files(Run(str(tmp_path)))
    assert found["compact"] == own and set(found) == shipped
