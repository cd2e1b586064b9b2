"""The patient-wise model: it learns, is stored without code, and reads recordings of any kind."""

from pathlib import Path

import numpy as np
import pytest

from ecglib.datasets.load import load_beats
from ecglib.datasets.splits import split_beats
from ecglib.datasets.synthetic import write_recordings
from ecglib.evaluation.model_cards import evaluate_and_save_patientwise
from ecglib.evaluation.results import load_predictions
from ecglib.labels import CLASSES
from ecglib.models.classifier import Classifier
from ecglib.models.model_file import ModelFileError
from ecglib.models.patientwise.classifier import PatientwiseClassifier
from ecglib.models.patientwise.features import context_table, describe
from ecglib.models.patientwise.morphology import even_out, morphology_features
from ecglib.models.patientwise.training import described_beats, fit_described, splice
from ecglib.paths import MODELS, Run
from ecglib.recordings.wfdb import read_recording, record_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_recordings(tmp_path_factory.mktemp("wfdb") / "s", n_records=4, minutes=2)


@pytest.fixture(scope="module")
def model(folder: Path) -> PatientwiseClassifier:
    return fit_described(
        [described_beats(read_recording(folder / n)) for n in record_names(folder)[:3]]
    )


def test_it_finds_the_beats_of_another_patient(folder, model) -> None:
    found, label = described_beats(read_recording(folder / "s04"))
    predicted = model.predict_described(found).argmax(axis=1)
    counted = label < 3
    assert (predicted == label)[counted].mean() > 0.9
    assert (predicted == label)[label == 2].mean() > 0.9


def test_a_file_holds_the_model_and_nothing_else(folder, model, tmp_path) -> None:
    path = tmp_path / "patients.safetensors"
    model.save(path)
    found, _ = described_beats(read_recording(folder / "s04"))
    assert (
        PatientwiseClassifier.load(path).predict_described(found) == model.predict_described(found)
    ).all()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFileError):
        PatientwiseClassifier.load(path)


def test_a_run_keeps_the_model_and_what_it_made_of_the_test_beats(folder, model, tmp_path) -> None:
    beats = load_beats("folder", folder)
    run, split = Run(str(tmp_path), beats), split_beats(beats, "patients")
    shipped = (MODELS / "patients.safetensors").read_bytes()
    card = evaluate_and_save_patientwise(model, beats, split, run, {"seed": 0})
    assert (MODELS / "patients.safetensors").read_bytes() == shipped
    saved = PatientwiseClassifier.load(run.model_file("patients"))
    assert saved.card["trained_on"]["protocol"] == "patients"
    stored = load_predictions(run, "patients", "test", beats[split.test])
    found, label = described_beats(read_recording(folder / "s04"))
    own = stored["record"] == "s04"
    # `Beats` leaves out the last annotated beat, which the others are compared with all the same.
    assert stored["proba"][own] == pytest.approx(
        saved.predict_described(found)[: own.sum()], abs=1e-6
    )
    assert (stored["label"][own] == label[: own.sum()]).all()
    assert card["metrics"]["test"]["accuracy"] > 0.9


def test_context_is_told_plain_and_against_the_patients_own(folder) -> None:
    found, label = described_beats(read_recording(folder / "s04"))
    table = context_table(found, label)
    assert len(table) == len(label) and 0.9 < table.rr_ratio[label == 0].median() < 1.1
    assert table.width_ratio[label == 2].median() > 1.2
    assert table.rr[1] == pytest.approx(np.diff(found["seconds"])[0])


def test_another_kind_of_model_is_refused() -> None:
    with pytest.raises(ModelFileError, match="not a patient-wise model"):
        PatientwiseClassifier.load(MODELS / "compact.safetensors")


def test_the_table_of_a_recording(folder, model) -> None:
    table = model.classify_recording(folder / "s04", lead=(0, 1))
    names = ["time_s", "sample", "label", "confidence", *(f"p_{c}" for c in CLASSES)]
    names += ["uncertain", "quality"]
    assert list(table) == names
    assert table.filter(like="p_").sum(axis=1).to_numpy() == pytest.approx(1)
    recording = read_recording(folder / "s04")
    alone = model.classify_recording(recording.signal[:, 0], fs=recording.fs)
    assert np.abs(len(alone) - len(table)) <= 1
    with pytest.raises(ValueError, match="no lead 5"):
        model.classify_recording(folder / "s04", lead=5)
    by_name = model.classify_file(folder / "s04", lead=("MLII", "V5"))
    assert by_name.table.equals(table) and by_name.leads == ["MLII", "V5"]
    assert len(model.classify_recording(np.zeros(3600), fs=360)) == 0


def test_the_causal_version_does_not_know_the_future(folder, model) -> None:
    recording = read_recording(folder / "s04")
    peaks = recording.mark_sample[:60]
    signal = recording.signal[: peaks[-1] + 360, 0].copy()
    before = model.predict_causal(signal, recording.fs, peaks, delay=4)
    known_until = peaks[24] + round(1.4 * recording.fs)  # what beats 20 to 23 wait for
    signal[known_until:] = 0.0  # and then the electrode falls off
    after = model.predict_causal(signal, recording.fs, peaks[:25], delay=4)
    assert after[:24] == pytest.approx(before[:24])
    signal[peaks[18] :] = 0.0
    assert (model.predict_causal(signal, recording.fs, peaks, delay=4)[:24] != before[:24]).any()


@pytest.mark.parametrize(("delay", "history"), [(1, 25), (3, 40)])
def test_the_causal_version_is_what_judging_beat_by_beat_gives(
    folder, model, delay, history
) -> None:
    """One window after the other, each judged as if it were a recording of its own."""
    recording = read_recording(folder / "s04")
    peaks = recording.mark_sample[:70]
    found = describe(recording.signal, recording.fs, peaks)
    leads = [even_out(lead, recording.fs) for lead in recording.signal.T]
    at_120_hz = np.rint(found["seconds"] * 120).astype(int)
    expected = np.eye(5)[np.zeros(len(peaks), int)]
    for start in range(0, len(peaks), delay):
        window = slice(max(start - history, 0), start + delay + 1)
        shape = [morphology_features(lead, at_120_hz[window]) for lead in leads]
        if len(shape[0]) >= 3:
            proba = model.predict_described(
                {"seconds": found["seconds"][window], "morphology": np.stack(shape)}
            )
            own = start - window.start
            expected[start : start + delay] = proba[own : own + delay]
    causal = model.predict_causal(recording.signal, recording.fs, peaks, delay, history)
    assert causal == pytest.approx(expected, abs=1e-12)
    assert (causal != model.predict_beats(recording.signal, recording.fs, peaks)).any()


def test_samples_that_are_no_numbers_are_bridged(folder, model) -> None:
    recording = read_recording(folder / "s04")
    signal = recording.signal.copy()
    signal[5000:5100] = np.nan
    table = model.classify_recording(signal, fs=recording.fs)
    assert table.confidence.notna().all() and len(table) > 100


def test_recordings_without_many_premature_beats_are_not_spliced(folder) -> None:
    assert splice(read_recording(folder / "s04")) is None


@pytest.mark.data
def test_a_spliced_recording_keeps_its_premature_beats(mitdb) -> None:
    whole = read_recording(mitdb / "118")
    found = splice(whole)
    assert (found.mark_symbol == "A").sum() == (whole.mark_symbol == "A").sum()
    share = (found.mark_symbol == "A").mean()
    assert share > 0.4
    assert (np.diff(found.mark_sample) > 0).all() and found.mark_sample[-1] < len(found.signal)


def test_the_file_says_what_loads_it():
    with pytest.raises(ModelFileError, match="PatientwiseClassifier"):
        Classifier.load(MODELS / "patients.safetensors")


def test_a_changed_file_is_refused(tmp_path):
    changed = bytearray((MODELS / "patients.safetensors").read_bytes())
    changed[-5] ^= 1  # one bit of one number
    (tmp_path / "patients.safetensors").write_bytes(changed)
    with pytest.raises(ModelFileError, match="SHA-256"):
        PatientwiseClassifier.load(tmp_path / "patients.safetensors")
