"""What the API's thread computes beside the event loop: from bytes to the verdicts on beats."""

import re

import numpy as np

from ecglib.apps.api.models import FilePrediction, SignalPrediction, TestSample
from ecglib.beats.beats import BEAT_SAMPLES, Beats
from ecglib.beats.prepared import UNLABELLED, prepared_beats, to_beats
from ecglib.datasets.load import load_beats
from ecglib.datasets.splits import split_beats
from ecglib.labels import CLASS_NAMES, CLASSES
from ecglib.models.classifier import Classifier
from ecglib.recordings.readers.text import read_text
from ecglib.recordings.recording import EcgFileError, Rows

NAMES = tuple(CLASS_NAMES[letter] for letter in CLASSES)


class UnusableError(ValueError):
    """What was sent can't be classified; the message repeats nothing of it."""


def predict_values(classifier: Classifier, values: list[float]) -> SignalPrediction:
    """One beat, as numbers."""
    padding = BEAT_SAMPLES - len(values)
    beats = prepared_beats(np.array([[*values, *[0.0] * padding]]), "The beat")
    notes = []
    if padding:
        notes.append(f"Filled up with {padding} zeros to {BEAT_SAMPLES} values.")
    said = verdict(classifier.predict_proba(beats.signal)[0], classifier.threshold)
    return SignalPrediction(**said, notes=notes)


def predict_first(classifier: Classifier, content: bytes) -> FilePrediction:
    """The first beat of a file."""
    beats, raw, notes = read_beats(content)
    if len(beats) > 1:
        notes.append(f"Only the first of {len(beats):,} beats; /batch-predict-csv takes them all.")
    first = _drawn(beats[0], classifier.predict_proba(beats.signal[0]), classifier.threshold, raw)
    return FilePrediction(**first[0], rows=len(beats), notes=notes)


def predict_samples(
    classifier: Classifier, test: Beats, count: int, seed: int | None, letter: str | None
) -> list[TestSample]:
    """Test beats drawn at random, without repetition, of one class or of all."""
    pool = np.arange(len(test))
    if letter is not None:
        pool = np.flatnonzero(test.label == CLASSES.index(letter))
    index = np.random.default_rng(seed).choice(pool, min(count, len(pool)), replace=False)
    beats = test[index]
    raw = [np.trim_zeros(row, "b") for row in beats.signal]
    drawn = _drawn(beats, classifier.predict_proba(beats.signal), classifier.threshold, raw)
    return [
        TestSample(**fields, index=int(i), record=str(record), sample=int(sample))
        for fields, i, record, sample in zip(drawn, index, beats.record, beats.sample, strict=True)
    ]


def verdict(proba: np.ndarray, threshold: float) -> dict:
    """The fields of a `Prediction`."""
    best = int(proba.argmax())
    confidence = float(proba[best])
    return dict(zip(NAMES, proba.tolist(), strict=True)) | {
        "predicted_class": NAMES[best],
        "label": CLASSES[best],
        "confidence": confidence,
        "is_uncertain": confidence < threshold,
        "threshold": threshold,
    }


def truth(said: int, label: int) -> dict:
    """What is known of a beat, and whether the prediction is right; None where nobody knows."""
    known = label != UNLABELLED
    return {
        "true_label": NAMES[label] if known else None,
        "is_correct": bool(said == label) if known else None,
    }


def _drawn(beats: Beats, proba: np.ndarray, threshold: float, raw: list[np.ndarray]) -> list[dict]:
    """The fields of a `DrawnPrediction`, for each beat."""
    return [
        verdict(p, threshold)
        | truth(int(p.argmax()), label)
        | {"true_label_id": None if label == UNLABELLED else int(label)}
        | {"signal_raw": values.tolist(), "signal_normalized": signal.tolist()}
        for p, label, values, signal in zip(proba, beats.label, raw, beats.signal, strict=False)
    ]


def read_beats(content: bytes) -> tuple[Beats, list[np.ndarray], list[str]]:
    """Beats of a text, their values without padding, and what was assumed."""
    try:
        rows = read_text(content, "The file")
        beats = to_beats([rows]) if isinstance(rows, Rows) else None
    except EcgFileError as error:
        raise UnusableError(without_input(error)) from None
    if beats is None:
        raise UnusableError(
            f"The file holds a recording, not beats of {BEAT_SAMPLES} values each: send it to "
            "/recordings."
        )
    notes = [f"{len(beats):,} beat{'s' * (len(beats) != 1)}.", *beats.assumed]
    return beats, [np.trim_zeros(row, "b") for row in beats.written], notes


def without_input(error: Exception) -> str:
    """An error's sentences without what they quote, which may be of the input."""
    quoted = r"\s*(: )?(?<!\w)b?'.*'(?!\w)|\s*\(\w+(Error|Exception).*?\)"
    return re.sub(quoted, "", str(error), flags=re.DOTALL)


def load_test_beats() -> tuple[Beats, str]:
    """Test beats to show, from recordings on this machine, and where they come from in words."""
    from ecglib.datasets.physionet import cache_folder
    from ecglib.datasets.sources import DataSourceError

    for root in (None, cache_folder()):
        try:
            beats = load_beats("folder", root)
            test = beats[split_beats(beats, "kaggle").test]
            return test, "The published test split of the MIT-BIH Arrhythmia Database."
        except (DataSourceError, ValueError):  # not here, or not these recordings
            continue
    beats = load_beats("synthetic")
    test = beats[split_beats(beats, "random").test]
    return test, "SYNTHETIC: generated, not recorded from people. No recordings are in reach."
