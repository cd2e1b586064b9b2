"""The trained network as people use it: beats or a whole recording in, classes out."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from ecglib.beats.beats import BEAT_SAMPLES
from ecglib.beats.find import FoundBeats
from ecglib.beats.rhythm import RHYTHM
from ecglib.labels import CLASSES
from ecglib.models.engines import by_torch, pick_engine
from ecglib.models.model_file import StoredModel, find_model, read_model
from ecglib.models.recordings import RecordingClassifier
from ecglib.paths import DEFAULT_MODEL

if TYPE_CHECKING:
    from ecglib.models.network import CNNLSTM, Ensemble


class Classifier(RecordingClassifier):
    """Classifies heartbeats with a trained network.

    Parameters
    ----------
    model : CNNLSTM, Ensemble or StoredModel
        In memory, or read by `ecglib.models.model_file.read_model`.
    card : dict
    engine : str
        For a stored model, see :meth:`load`.

    Attributes
    ----------
    engine : str
        ``"torch"`` or ``"onnxruntime"``.
    """

    reads_rows, most_leads = True, 1

    def __init__(
        self, model: "CNNLSTM | Ensemble | StoredModel", card: dict, engine: str = "torch"
    ):
        self._model, self.card = model, card
        self._temperature = float(model.temperature)
        if isinstance(model, StoredModel):
            self.engine, self._logits = pick_engine(model, engine)
        else:
            self.engine, self._logits = "torch", by_torch(model.eval())

    @classmethod
    def load(cls, path: str | Path | None = None, engine: str = "auto") -> "Classifier":
        """Load a model file; by default the shipped ``compact``.

        Parameters
        ----------
        path : str or Path, optional
            A file, or the name of a shipped model, such as ``"rhythm"``.
        engine : {"auto", "torch", "onnxruntime"}
            ``auto`` takes ONNX Runtime where the model's ONNX form is there.

        Raises
        ------
        ModelFileError
            There is no such model, or the file is truncated or foreign.
        EngineError
            The engine named can't serve the model; ``auto`` falls back to PyTorch.
        """
        stored = read_model(find_model(path or DEFAULT_MODEL))
        return cls(stored, stored.card, engine)

    @property
    def model(self) -> "CNNLSTM | Ensemble":
        """The network in PyTorch."""
        return self._model.network if isinstance(self._model, StoredModel) else self._model

    def predict_proba(self, signal, rhythm=None) -> np.ndarray:
        """Calibrated class probabilities.

        Parameters
        ----------
        signal : array_like, shape (n, 187) or (187,)
            Beats as ``load_beats`` gives them: cut from the R peak at 120 Hz, scaled to [0, 1],
            zero-padded.
        rhythm : array_like, shape (n, 6) or (6,), optional
            What :func:`ecglib.beats.rhythm.rhythm_features` makes of the RR intervals, NaN where
            unknown. A network that reads the rhythm judges by the beat alone without it; the
            others don't look at it.

        Returns
        -------
        ndarray, shape (n, 5), float64
            In the order of ``classes``; every row sums to 1.

        Raises
        ------
        ValueError
            The shape is another one, or a value is not finite.
        """
        beats = _check_beats(signal)
        if not len(beats):
            return np.zeros((0, len(CLASSES)))
        if rhythm is not None:
            rhythm = np.atleast_2d(np.asarray(rhythm, dtype=np.float32))
            if rhythm.shape != (len(beats), len(RHYTHM)):
                raise ValueError(
                    f"The rhythm of {len(beats)} beats has shape ({len(beats)}, {len(RHYTHM)}), "
                    f"not {rhythm.shape}: see ecglib.beats.rhythm.rhythm_features."
                )
        logits = self._logits(beats, rhythm) / self._temperature
        return softmax(logits.astype(np.float64), axis=1)

    def predict(self, signal, rhythm=None) -> np.ndarray:
        """Class letters, shape (n,), of beats; see :meth:`predict_proba`."""
        return np.array(CLASSES)[self.predict_proba(signal, rhythm).argmax(axis=1)]

    def attention(self, signal) -> np.ndarray:
        """Attention over the beat, shape (n, 187): rows sum to 1; see :meth:`predict_proba`."""
        import torch

        with torch.inference_mode():
            _, weights = self.model.forward_with_attention(torch.from_numpy(_check_beats(signal)))
        steps = weights.shape[1]
        spread = weights.numpy()[:, np.arange(BEAT_SAMPLES) * steps // BEAT_SAMPLES]
        return spread / spread.sum(axis=1, keepdims=True)

    def predict_found(self, found: FoundBeats) -> np.ndarray:
        """Class probabilities of a recording's beats but the last, shape (n - 1, 5), float64."""
        proba = [np.zeros((0, len(CLASSES)))]
        proba += [self.predict_proba(rows, found.rhythm[which]) for which, rows in found.rows()]
        return np.concatenate(proba)


def _check_beats(signal) -> np.ndarray:
    """Beats as a float32 array of shape (n, 187), or a sentence that says what is wrong."""
    try:
        beats = np.atleast_2d(np.asarray(signal, dtype=np.float32))
    except (TypeError, ValueError) as error:
        raise ValueError(f"Beats must be numbers in rows of {BEAT_SAMPLES}: {error}.") from error
    if beats.ndim != 2 or beats.shape[1] != BEAT_SAMPLES:
        raise ValueError(
            f"Beats have {BEAT_SAMPLES} samples each; this array has shape {np.shape(signal)}. "
            "Give a whole recording to classify_recording(signal, fs) instead."
        )
    if not np.isfinite(beats).all():
        row, column = np.argwhere(~np.isfinite(beats))[0]
        raise ValueError(f"Beat {row}, sample {column} is not a finite number.")
    return beats
