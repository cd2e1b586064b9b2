"""From trained weights to a classifier to keep: calibration, threshold, scores, model card."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import ecglib
from ecglib.beats.beats import Beats
from ecglib.datasets.splits import Split
from ecglib.evaluation.results import save_predictions
from ecglib.metrics.calibration import fit_temperature, uncertainty_threshold
from ecglib.metrics.ec57 import SCORED, ec57_scores
from ecglib.metrics.scores import confusion_matrix
from ecglib.metrics.tables import summary
from ecglib.models.classifier import Classifier
from ecglib.models.engines import export_onnx
from ecglib.models.model_file import save_model
from ecglib.models.network import CNNLSTM, Ensemble, count_parameters, predict_logits
from ecglib.models.patientwise.classifier import NAME, PatientwiseClassifier
from ecglib.models.recipes import Recipe
from ecglib.paths import Run
from ecglib.recordings.wfdb import read_recording

LIMITS = (
    "One lead, one database of 47 people recorded from 1975 to 1979; class Q is nearly only paced "
    "beats of four of them, class F mostly comes from two."
)
SAID_OF_ALL = {
    "version_of_ecglib": ecglib.__version__,
    "intended_use": "Education and research. Not a medical device.",
}


def calibrate(model: CNNLSTM, beats: Beats, split: Split) -> float:
    """Fit a network's temperature on the validation beats.

    Returns
    -------
    float
        The confidence below which a beat is called uncertain, chosen on the same beats.
    """
    validation = beats[split.validation]
    rhythm = beats.rhythm[split.validation]
    logits = predict_logits(model, validation.signal, rhythm).numpy()
    model.temperature.fill_(fit_temperature(logits, validation.label))
    proba = Classifier(model, {}).predict_proba(validation.signal, rhythm)
    return uncertainty_threshold(proba, validation.label)


def keep(
    name: str,
    model: CNNLSTM | Ensemble,
    threshold: float,
    beats: Beats,
    split: Split,
    recipe: Recipe,
    history: pd.DataFrame,
    run: Run,
    training: dict,
) -> dict:
    """Judge a trained network on all sides that have beats, once, and save it with its model card.

    Writes ``NAME.safetensors``, its ONNX form beside it, and the predictions of the run.

    Parameters
    ----------
    name : str
        Of the model file and of the predictions.
    model : CNNLSTM or Ensemble
    threshold : float
        From :func:`calibrate`.
    beats, split, recipe, history
        What it was trained with, and how that went.
    run : Run
    training : dict
        What else there is to say of the training, such as seed and precision.

    Returns
    -------
    dict
        The model card.
    """
    classifier = Classifier(model, {})
    rhythm = beats.rhythm
    parts = {part: index for part, index in split.sets().items() if len(index)}
    proba = {n: classifier.predict_proba(beats.signal[i], rhythm[i]) for n, i in parts.items()}
    best = history[history.kept].iloc[0]
    card = {
        "name": name,
        "trained_on": _trained_on(beats, split),
        "beats": {part: len(index) for part, index in parts.items()},
        "inputs": ["beat", "rhythm"] if model.config.rhythm else ["beat"],
        "parameters": count_parameters(model),
        "recipe": recipe.to_dict(),
        "training": {"epochs": len(history), "kept_epoch": int(best.epoch)}
        | {"cpu_seconds": float(history.cpu_seconds.iloc[-1])}
        | training,
        "threshold": threshold,
        "metrics": {part: summary(beats.label[i], proba[part]) for part, i in parts.items()},
        "limits": LIMITS,
        **SAID_OF_ALL,
    }
    path = run.model_file(name, beats.synthetic)
    save_model(model, path, card)
    export_onnx(path)
    for part, index in parts.items():
        save_predictions(run, name, part, beats, index, proba[part])
    return card


def find_networks(
    run: Run, names: Sequence[str], protocol: str, synthetic: bool
) -> dict[str, Classifier]:
    """Networks to show beside each other: of this run, or else those that the project ships.

    Parameters
    ----------
    run : Run
    names : sequence of str
        Such as ``["compact", "deep"]``.
    protocol : str
    synthetic : bool
        Whether the beats to show them on are. Networks that were trained on other beats or under
        another protocol, and may know the test beats, are left out, as are those not there.

    Returns
    -------
    dict of Classifier
        By name, in the order of `names`.
    """
    found = {}
    for name in dict.fromkeys(names):
        try:
            classifier = Classifier.load(run.find_model(name, synthetic))
        except FileNotFoundError:
            continue
        trained_on = classifier.card["trained_on"]
        if (trained_on["protocol"], trained_on["synthetic"]) == (protocol, synthetic):
            found[name] = classifier
    return found


def keep_patientwise(
    model: PatientwiseClassifier,
    folder: Path,
    beats: Beats,
    split: Split,
    run: Run,
    training: dict,
) -> dict:
    """Judge the patient-wise model on the test recordings, once, and save it with its model card.

    Writes ``patients.safetensors`` and the predictions of the run on the test beats.

    Parameters
    ----------
    model : PatientwiseClassifier
        Trained on the recordings of all other beats.
    folder : Path
        Of the recordings that the beats were cut from: each beat is judged beside all others.
    beats, split, run, training
        As in :func:`keep`.

    Returns
    -------
    dict
        The model card; its scores are counted as EC57 has it.
    """
    test = beats[split.test]
    proba = np.empty((len(test), len(model.classes)))
    for name in np.unique(test.record):
        recording, own = read_recording(folder / name), test.record == name
        marks, _ = recording.beats()
        judged = model.predict_beats(recording.signal, recording.fs, marks)
        proba[own] = judged[np.searchsorted(marks, test.sample[own])]
    matrix = confusion_matrix(test.label, proba.argmax(axis=1))
    learnt = len(split.train) + len(split.validation)
    model.card = patientwise_card(matrix, _trained_on(beats, split), learnt, training)
    model.save(run.model_file(NAME, beats.synthetic))
    save_predictions(run, NAME, "test", beats, split.test, proba)
    return model.card


def patientwise_card(matrix: np.ndarray, trained_on: dict, learnt: int, training: dict) -> dict:
    """The patient-wise model's card.

    Parameters
    ----------
    matrix : ndarray, shape (5, 5) or (6, 6)
        True and predicted classes of the test beats, see `ecglib.metrics.ec57.ec57_scores`.
    trained_on : dict
        ``source``, ``synthetic`` and ``protocol``.
    learnt : int
        Number of beats that it was trained on.
    training : dict
        What else there is to say of the training, such as the seed.
    """
    scores = ec57_scores(matrix)
    metrics = {score: float(scores[score]) for score in ("accuracy", "macro_f1")}
    metrics |= {f"f1_{c}": float(f1) for c, f1 in zip(SCORED, scores["f1"], strict=True)}
    return {
        "name": NAME,
        "trained_on": trained_on,
        "beats": {"train": learnt, "test": int(matrix.sum())},
        "training": training,
        "metrics": {"test": metrics},
        "limits": "Whole recordings only; N, S and V only.",
        **SAID_OF_ALL,
    }


def _trained_on(beats: Beats, split: Split) -> dict[str, str | bool]:
    return {
        "source": beats.source,
        "synthetic": beats.synthetic,
        "protocol": split.protocol,
    }
