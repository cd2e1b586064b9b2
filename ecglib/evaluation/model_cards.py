"""From a trained model to a model file: calibration, threshold, scores, model card."""

from collections.abc import Sequence

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
COMMON = {
    "version_of_ecglib": ecglib.__version__,
    "intended_use": "Education and research. Not a medical device.",
}


def calibrate(model: CNNLSTM, beats: Beats, split: Split) -> float:
    """Fit a network's temperature on the validation beats.

    Returns
    -------
    float
        The confidence below which a prediction is uncertain, chosen on the same beats.
    """
    validation = beats[split.validation]
    logits = predict_logits(model, validation.signal, validation.rhythm).numpy()
    model.temperature.fill_(fit_temperature(logits, validation.label))
    proba = Classifier(model, {}).predict_proba(validation.signal, validation.rhythm)
    return uncertainty_threshold(proba, validation.label)


def evaluate_and_save(
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
    """Evaluate a trained network on all sets and save it with its model card.

    Writes ``NAME.safetensors``, its ONNX form beside it, and the run's predictions.

    Parameters
    ----------
    name : str
        Name of the model file and of the predictions.
    model : CNNLSTM or Ensemble
    threshold : float
        From :func:`calibrate`.
    beats, split, recipe, history
        Data, settings and course of the training.
    run : Run
    training : dict
        Further facts about the training, such as seed and precision.

    Returns
    -------
    dict
        The model card.
    """
    classifier = Classifier(model, {})
    sets = {each: beats[index] for each, index in split.sets().items() if len(index)}
    proba = {n: classifier.predict_proba(own.signal, own.rhythm) for n, own in sets.items()}
    best = history[history.kept].iloc[0]
    card = {
        "name": name,
        "trained_on": _trained_on(beats, split),
        "beats": {n: len(own) for n, own in sets.items()},
        "inputs": ["beat", "rhythm"] if model.config.rhythm else ["beat"],
        "parameters": count_parameters(model),
        "recipe": recipe.to_dict(),
        "training": {"epochs": len(history), "kept_epoch": int(best.epoch)}
        | {"cpu_seconds": float(history.cpu_seconds.iloc[-1])}
        | training,
        "threshold": threshold,
        "metrics": {n: summary(own.label, proba[n]) for n, own in sets.items()},
        "limits": LIMITS,
        **COMMON,
    }
    path = run.model_file(name)
    save_model(model, path, card)
    if name != "deep":  # whose ONNX form has 10 MB and gains little on many beats
        export_onnx(path)
    for n, own in sets.items():
        save_predictions(run, name, n, own, proba[n])
    return card


def find_networks(run: Run, names: Sequence[str], protocol: str) -> dict[str, Classifier]:
    """Networks to compare: those of this run, or else those that the project ships.

    Parameters
    ----------
    run : Run
    names : sequence of str
        Such as ``["compact", "deep"]``.
    protocol : str

    Returns
    -------
    dict of Classifier
        By name, in the order of `names`. Missing networks are left out, and so are networks of
        another protocol or source, which may have been trained on the test beats.
    """
    found = {}
    for name in dict.fromkeys(names):
        try:
            classifier = Classifier.load(run.find_model(name))
        except FileNotFoundError:
            continue
        trained_on = classifier.card["trained_on"]
        if (trained_on["protocol"], trained_on["synthetic"]) == (protocol, run.synthetic):
            found[name] = classifier
    return found


def evaluate_and_save_patientwise(
    model: PatientwiseClassifier, beats: Beats, split: Split, run: Run, training: dict
) -> dict:
    """Evaluate the patient-wise model on the test recordings and save it with its model card.

    Writes ``patients.safetensors`` and the run's predictions for the test beats.

    Parameters
    ----------
    model : PatientwiseClassifier
        Trained on the recordings of the other sets.
    beats : Beats
        Each test beat is compared with the other beats of its recording in ``beats.folder``.
    split, run, training
        As in :func:`evaluate_and_save`.

    Returns
    -------
    dict
        The model card, with scores as EC57 defines them.
    """
    test = beats[split.test]
    proba = np.empty((len(test), len(model.classes)))
    for name in np.unique(test.record):
        recording, own = read_recording(beats.folder / name), test.record == name
        marks, _ = recording.beats()
        predicted = model.predict_beats(recording.signal, recording.fs, marks)
        proba[own] = predicted[np.searchsorted(marks, test.sample[own])]
    matrix = confusion_matrix(test.label, proba.argmax(axis=1))
    n_train = len(split.train) + len(split.validation)
    model.card = patientwise_card(matrix, _trained_on(beats, split), n_train, training)
    model.save(run.model_file(NAME))
    save_predictions(run, NAME, "test", test, proba)
    return model.card


def patientwise_card(matrix: np.ndarray, trained_on: dict, n_train: int, training: dict) -> dict:
    """The patient-wise model's card, from the test beats' confusion matrix (see `ec57_scores`)."""
    scores = ec57_scores(matrix)
    metrics = {score: float(scores[score]) for score in ("accuracy", "macro_f1")}
    metrics |= {f"f1_{c}": float(f1) for c, f1 in zip(SCORED, scores["f1"], strict=True)}
    return {
        "name": NAME,
        "trained_on": trained_on,
        "beats": {"train": n_train, "test": int(matrix.sum())},
        "training": training,
        "metrics": {"test": metrics},
        "limits": "Whole recordings only; N, S and V only.",
        **COMMON,
    }


def _trained_on(beats: Beats, split: Split) -> dict[str, str | bool]:
    return {
        "source": beats.source,
        "synthetic": beats.synthetic,
        "protocol": split.protocol,
    }
