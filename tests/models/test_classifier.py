"""The classifier's contract, and the model files it refuses."""

import numpy as np
import pytest
import torch

from ecglib.models.classifier import Classifier
from ecglib.models.model_file import ModelFileError, read_card, save_model
from ecglib.models.network import build_model
from foreign_models import FOREIGN, foreign


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "compact.safetensors"
    save_model(build_model("compact"), path, {"name": "compact", "threshold": 0.7})
    return path


@pytest.fixture(scope="module")
def classifier(model_file):
    return Classifier.load(model_file)


def ecg(seconds=20, fs=360, rate=1.2):
    """A train of R peaks on a slow wave, in mV."""
    time = np.arange(0, seconds, 1 / fs)
    phase = (time * rate) % 1 / rate
    spikes = np.exp(-(((phase - 0.3) / 0.012) ** 2))
    return (1.2 * spikes + 0.05 * np.sin(2 * np.pi * 0.3 * time)).astype(np.float32)


def test_contract(classifier):
    beats = np.random.default_rng(0).random((7, 187))
    proba = classifier.predict_proba(beats)
    assert classifier.classes == ("N", "S", "V", "F", "Q")
    assert proba.shape == (7, 5) and np.allclose(proba.sum(axis=1), 1)
    assert classifier.predict_proba(beats[0]).shape == (1, 5)
    assert np.allclose(classifier.predict_proba(beats[0])[0], proba[0], atol=1e-5)
    assert set(classifier.predict(beats)) <= set(classifier.classes)
    assert classifier.predict(np.zeros((0, 187))).shape == (0,)
    assert classifier.threshold == 0.7
    attention = classifier.attention(beats)
    assert attention.shape == (7, 187) and np.allclose(attention.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (np.zeros((3, 100)), "187 samples"),
        (np.zeros((2, 2, 187)), "187 samples"),
        (np.full(187, np.nan), "not a finite number"),
        (np.full(187, np.inf), "not a finite number"),
        (["a"] * 187, "numbers"),
        (np.float32(1), "187 samples"),
    ],
)
def test_bad_beats(classifier, signal, message):
    with pytest.raises(ValueError, match=message):
        classifier.predict_proba(signal)


@pytest.mark.parametrize("fs", [360, 250, 500])
def test_recording_from_an_array(classifier, fs):
    table = classifier.classify_recording(ecg(fs=fs), fs=fs)
    assert list(table.columns) == [
        "time_s", "sample", "label", "confidence", "p_N", "p_S", "p_V", "p_F", "p_Q", "uncertain",
        "quality",
    ]  # fmt: skip
    assert 20 <= len(table) <= 24
    assert np.diff(table.time_s)[1:-1] == pytest.approx(1 / 1.2, abs=0.05)
    assert np.allclose(table["sample"] / fs, table.time_s, atol=1 / fs)
    assert np.allclose(table[[f"p_{c}" for c in "NSVFQ"]].sum(axis=1), 1)
    assert (table.uncertain == (table.confidence < 0.7)).all()


def test_a_lost_electrode_is_no_long_interval(classifier, monkeypatch):
    """No beat is found while it is off: the rhythm before and after knows nothing of it."""
    asked, answer = [], classifier.predict_proba
    monkeypatch.setattr(
        classifier, "predict_proba", lambda rows, rhythm: asked.append(rhythm) or answer(rows)
    )
    signal = ecg(seconds=60)
    signal[20 * 360 : 32 * 360] = 0.0
    recording = classifier.classify_file(signal, fs=360)
    table = recording.table
    last = table[table.time_s < 20].iloc[-1]  # its row ends in the flat stretch
    assert (last.label, last.quality, last.uncertain) == ("", "flat", True)
    average = np.exp(np.concatenate(asked)[:, 5])  # RR interval in seconds
    assert "flat" in {part["quality"] for part in recording.unreadable}
    assert average == pytest.approx(1 / 1.2, abs=0.02)


def test_lead_is_chosen(classifier):
    two = np.stack([np.zeros_like(ecg()), ecg()], axis=1)
    assert len(classifier.classify_recording(two, fs=360, lead=0)) == 0  # flat: no beats
    assert len(classifier.classify_recording(two, fs=360, lead=1)) > 15


@pytest.mark.parametrize(
    ("signal", "fs", "lead", "message"),
    [
        (ecg(), None, 0, "sampling rate"),
        (ecg(), 0, 0, "must be 1 to 10,000 Hz"),
        (ecg(), -360, 0, "must be 1 to 10,000 Hz"),
        (ecg(), float("nan"), 0, "must be 1 to 10,000 Hz"),
        (ecg(), 360, 2, "no lead 2"),
        (np.full(5000, np.nan), 360, 0, "not finite"),
        ("no/such/record", None, 0, "can't be read"),
    ],
)
def test_bad_recordings(classifier, signal, fs, lead, message):
    with pytest.raises(ValueError, match=message):
        classifier.classify_recording(signal, fs=fs, lead=lead)


@pytest.mark.parametrize("signal", [np.zeros(0), np.zeros(50), np.ones(10_000)])
def test_recordings_without_beats(classifier, signal):
    recording = classifier.classify_file(signal, fs=360)
    assert len(recording.table) == 0 and "p_Q" in recording.table
    assert "No beats were found" in recording.warnings[0]


@pytest.mark.data
def test_real_recording_is_classified(classifier, mitdb):
    table = classifier.classify_recording(mitdb / "100")
    assert len(table) == pytest.approx(2273, abs=10)


def test_card_travels_with_the_weights(model_file):
    card = read_card(model_file)
    assert card["name"] == "compact"
    assert card["classes"] == list("NSVFQ")
    assert card["beat_fs"] == 120


@pytest.mark.parametrize("how", FOREIGN)
def test_foreign_files_are_refused_and_nothing_runs(tmp_path, monkeypatch, model_file, how):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "foreign.safetensors"
    foreign(path, how, model_file)
    with pytest.raises(ModelFileError, match="03_cnn_lstm_training"):
        Classifier.load(path)
    assert not (tmp_path / "exploded").exists()


def test_failed_save_keeps_the_old_model(tmp_path, monkeypatch):
    path = tmp_path / "compact.safetensors"
    save_model(build_model("compact"), path, {"name": "old"})
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_model(build_model("compact"), path, {"name": "new"})
    monkeypatch.undo()
    assert read_card(path)["name"] == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["compact.safetensors"]
