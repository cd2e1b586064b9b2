"""A model for new patients: two questions about a beat in its recording.

1. Does it come from the ventricles? Answered from each lead's morphology features, by one model for
   all leads, trained on both leads of MIT-BIH as if they were separate recordings; the leads' log
   odds are averaged.
2. If not, does it come too early for this patient's rhythm? Answered from the rhythm features. The
   usual rhythm depends on which beats are early, and the reverse, so the question is answered again
   with ectopic beats left out of the averages, until the answers stay the same.

Both models are boosted trees (`ecglib.models.patientwise.training`). Every choice was made by
leaving records of DS1 out: ``benchmarks/patients_study.py``. The model knows N, S and V; F and Q
get no probability. The whole recording is used, later beats included;
:meth:`PatientwiseClassifier.predict_causal` is for beats as they come. For education and research;
not a medical device.
"""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from scipy.special import expit

from ecglib.beats.find import FoundBeats
from ecglib.labels import CLASSES
from ecglib.models.model_file import (
    ModelFileError,
    find_model,
    read_card,
    read_weights,
    write_weights,
)
from ecglib.models.patientwise.features import (
    EARLY,
    FEWEST,
    VENTRICULAR,
    describe,
    describe_causal,
    early_features,
    ventricular_features,
)
from ecglib.models.patientwise.rhythm_features import AGAINST_MEANS, against_means
from ecglib.models.patientwise.trees import Trees, check_trees, score
from ecglib.models.recordings import RecordingClassifier
from ecglib.paths import show

KIND = {"kind": "patientwise"}
QUESTIONS = ("ventricular", "early")
NAME = "patients"
PASSES = 6  # rounds after which the ectopic beats stay the same
MAKE_ONE = "Run `python benchmarks/patients.py` to make one."


class PatientwiseClassifier(RecordingClassifier):
    """Classifies the beats of whole recordings of new patients; see the module's text.

    Attributes
    ----------
    classes : tuple of str
        ``("N", "S", "V", "F", "Q")``; F and Q are never predicted.
    card : dict
        The model card.
    """

    reads_rows, most_leads = False, 2

    def __init__(self, ventricular: Trees, early: Trees, card: dict):
        self.ventricular, self.early, self.card = ventricular, early, card

    @classmethod
    def load(cls, path: str | Path | None = None) -> "PatientwiseClassifier":
        """Load a model file; by default the one that the project ships.

        Raises
        ------
        ModelFileError
            The file is missing, damaged, or another kind of model.
        """
        path = find_model(path or NAME)
        card = read_card(path)
        if card.get("architecture") != KIND:
            raise ModelFileError(f"{show(path)} is not a patient-wise model. {MAKE_ONE}")
        try:
            models = {}, {}
            for stored, array in read_weights(path, card).items():
                kind, _, name = stored.partition(".")
                models[QUESTIONS.index(kind)][name] = array
            for trees, names in zip(models, (VENTRICULAR, EARLY), strict=True):
                check_trees(trees, len(names))
        except (SafetensorError, OSError, TypeError, ValueError) as error:
            raise ModelFileError(f"{show(path)} is damaged ({error}). {MAKE_ONE}") from error
        return cls(*models, card)

    def save(self, path: str | Path) -> None:
        """Write trees and model card to one safetensors file, atomically."""
        both = zip(QUESTIONS, (self.ventricular, self.early), strict=True)
        arrays = {f"{kind}.{name}": array for kind, trees in both for name, array in trees.items()}
        write_weights(path, self.card | {"architecture": KIND}, arrays)

    def predict_found(self, found: FoundBeats) -> np.ndarray:
        """Class probabilities of all beats of a recording, shape (n, 5), float64."""
        ecg = found.ecg
        signal = np.stack([ecg.read(0, ecg.n_samples, k) for k in found.leads], axis=1)
        return self.predict_beats(signal, ecg.fs, found.sample)

    def predict_beats(self, signal: np.ndarray, fs: float, r_peaks: np.ndarray) -> np.ndarray:
        """Class probabilities of all beats of a recording whose R peaks are known.

        Parameters
        ----------
        signal : ndarray, shape (n_samples,) or (n_samples, n_leads)
            Leads in any unit; P waves are looked for in the first.
        fs : float
            Sampling rate in Hz.
        r_peaks : ndarray, shape (n,), int
            Samples of **all** beats in time order.

        Returns
        -------
        ndarray, shape (n, 5), float64
            Rows sum to 1. With fewer than 3 beats there is no rhythm, and all are N.
        """
        if len(r_peaks) < FEWEST:
            return np.tile(np.eye(len(CLASSES))[0], (len(r_peaks), 1))
        return self.predict_described(describe(signal, fs, r_peaks))

    def predict_causal(
        self,
        signal: np.ndarray,
        fs: float,
        r_peaks: np.ndarray,
        delay: int = 1,
        history: int = 120,
    ) -> np.ndarray:
        """As :meth:`predict_beats`, from the past and the next ``delay`` beats alone.

        Parameters
        ----------
        signal, fs, r_peaks
            As in :meth:`predict_beats`.
        delay : int
            Beats to wait for.
        history : int
            Past beats that a beat is compared with.

        Returns
        -------
        ndarray, shape (n, 5), float64
        """
        return predict_causal_by_all([self], signal, fs, r_peaks, delay=delay, history=history)[0]

    def predict_described(self, found: dict[str, np.ndarray]) -> np.ndarray:
        """Class probabilities, shape (..., n, 5), from the features of `describe`."""
        ventricular = ventricular_features(found)
        v = expit(np.mean([score(self.ventricular, lead) for lead in ventricular], axis=0))
        features, s = early_features(found, v), np.zeros(v.shape)
        for _ in range(PASSES):
            features[..., : len(AGAINST_MEANS)] = against_means(found["seconds"], np.maximum(v, s))
            before, s = s, expit(score(self.early, features))
            if np.array_equal(s, before):
                break
        none = np.zeros(v.shape)
        return np.stack([(1 - v) * (1 - s), (1 - v) * s, v, none, none], axis=-1)


def predict_causal_by_all(
    models: list[PatientwiseClassifier],
    signal: np.ndarray,
    fs: float,
    r_peaks: np.ndarray,
    **window,
) -> np.ndarray:
    """Causal predictions of several models, (n_models, n, 5), from features computed once.

    The features cost far more than the predictions.
    """
    proba = np.tile(np.eye(len(CLASSES))[0], (len(models), len(r_peaks), 1))
    for beats, places, found in describe_causal(signal, fs, r_peaks, **window):
        for own, model in zip(proba, models, strict=True):
            own[beats] = model.predict_described(found)[places]
    return proba
