"""The trained network as people use it: beats or a whole recording in, classes out."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax

from ecglib.beats import BEAT_SAMPLES, RECORDING_FS, cut_rows, to_recording_fs
from ecglib.labels import CLASSES
from ecglib.model import CNNLSTM
from ecglib.modelfile import load_model
from ecglib.paths import DEFAULT_MODEL, MODELS
from ecglib.recordings import read_recording
from ecglib.rhythm import RHYTHM, rhythm_features
from ecglib.rpeaks import find_r_peaks
from ecglib.serving import pick_engine


class Classifier:
    """Classifies heartbeats with a trained network.

    Attributes
    ----------
    classes : tuple of str
        ``("N", "S", "V", "F", "Q")``.
    card : dict
        The model card: data, split, recipe, metrics, calibration, limits.
    engine : str
        What computes: ``"torch"``, ``"onnxruntime"`` or ``"openvino"``.
    """

    classes = CLASSES

    def __init__(self, model: CNNLSTM, card: dict, onnx: Path | None = None, engine: str = "torch"):
        self.model = model.eval()
        self.card = card
        self.engine, self._logits = pick_engine(self.model, onnx, engine)

    @classmethod
    def load(cls, path: str | Path | None = None, engine: str = "auto") -> "Classifier":
        """Load a model file; by default the one that the project ships.

        Parameters
        ----------
        path : str or Path, optional
        engine : {"auto", "torch", "onnxruntime", "openvino"}
            What computes; ``auto`` takes ONNX Runtime where the model's ONNX form is there.

        Raises
        ------
        ModelFileError
            The file is missing, truncated or foreign; the message says which notebook makes one.
        EngineError
            The engine named can't serve the model; ``auto`` falls back to PyTorch.
        """
        path = MODELS / f"{DEFAULT_MODEL}.safetensors" if path is None else Path(path)
        model, card = load_model(path)
        return cls(model, card, path.with_suffix(".onnx"), engine)

    @property
    def threshold(self) -> float:
        """Confidence below which a beat is called uncertain, chosen on validation beats."""
        return float(self.card.get("threshold", 0.6))

    def predict_proba(self, signal, rhythm=None) -> np.ndarray:
        """Calibrated class probabilities.

        Parameters
        ----------
        signal : array_like, shape (n, 187) or (187,)
            Beats as ``load_beats`` gives them: cut from the R peak at 120 Hz, scaled to [0, 1],
            zero-padded.
        rhythm : array_like, shape (n, 6) or (6,), optional
            What :func:`ecglib.rhythm.rhythm_features` makes of the RR intervals, NaN where
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
                    f"not {rhythm.shape}: see ecglib.rhythm.rhythm_features."
                )
        logits = self._logits(beats, rhythm) / float(self.model.temperature)
        return softmax(logits.astype(np.float64), axis=1)

    def predict(self, signal, rhythm=None) -> np.ndarray:
        """Class letters, shape (n,), of beats; see :meth:`predict_proba`."""
        return np.array(CLASSES)[self.predict_proba(signal, rhythm).argmax(axis=1)]

    def attention(self, signal) -> np.ndarray:
        """Attention over the beat, shape (n, 187): rows sum to 1; see :meth:`predict_proba`."""
        with torch.inference_mode():
            _, weights = self.model.forward_with_attention(torch.from_numpy(_check_beats(signal)))
        steps = weights.shape[1]
        spread = weights.numpy()[:, np.arange(BEAT_SAMPLES) * steps // BEAT_SAMPLES]
        return spread / spread.sum(axis=1, keepdims=True)

    def classify_recording(
        self, path_or_array, fs: float | None = None, lead: int = 0
    ) -> pd.DataFrame:
        """Find the beats of a recording and classify each of them.

        Parameters
        ----------
        path_or_array : str, Path or array_like
            A WFDB record, or samples of shape (n_samples,) or (n_samples, n_leads). The unit does
            not matter, since every beat is scaled.
        fs : float, optional
            Sampling rate in Hz; needed for an array, taken from the header for a record.
        lead : int
            Which lead to classify, counted from 0.

        Returns
        -------
        DataFrame
            One row a beat, except the recording's last one, which has no following RR interval:
            ``time_s``, ``sample`` (at the recording's own rate), ``label``, ``confidence``,
            ``p_N`` to ``p_Q``, ``uncertain``.

        Raises
        ------
        ValueError
            The recording can't be read, has no such lead, or ``fs`` is missing or impossible.
        """
        signal, fs = _one_lead(path_or_array, fs, lead)
        signal = to_recording_fs(signal, fs)
        peaks = find_r_peaks(signal)
        keep = np.arange(max(len(peaks) - 1, 0))
        rr = np.diff(peaks) / RECORDING_FS
        rhythm = rhythm_features(np.append(np.nan, rr[:-1])[: len(keep)], rr)
        proba = self.predict_proba(cut_rows(signal, peaks, keep), rhythm)
        confidence = proba.max(axis=1)
        table = {
            "time_s": peaks[keep] / RECORDING_FS,
            "sample": np.rint(peaks[keep] * (fs / RECORDING_FS)).astype(np.int64),
            "label": np.array(CLASSES)[proba.argmax(axis=1)],
            "confidence": confidence,
            **{f"p_{name}": proba[:, i] for i, name in enumerate(CLASSES)},
            "uncertain": confidence < self.threshold,
        }
        return pd.DataFrame(table)


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


def _one_lead(path_or_array, fs: float | None, lead: int) -> tuple[np.ndarray, float]:
    """One lead of a recording, and its sampling rate in Hz."""
    if isinstance(path_or_array, (str, Path)):
        recording = read_recording(path_or_array)
        samples, rate = recording.signal, recording.fs if fs is None else fs
    else:
        samples, rate = np.asarray(path_or_array, dtype=np.float32), fs
        samples = samples[:, None] if samples.ndim == 1 else samples
    if rate is None:
        raise ValueError("An array does not tell its sampling rate: give fs in Hz.")
    if not 1 <= rate <= 10_000:
        raise ValueError(f"A sampling rate of {rate} Hz is impossible here; it is 1 to 10,000 Hz.")
    if samples.ndim != 2 or not 0 <= lead < samples.shape[1]:
        raise ValueError(
            f"There is no lead {lead} in a recording of shape {samples.shape}; it is "
            "(n_samples,) or (n_samples, n_leads), leads counted from 0."
        )
    signal = samples[:, lead]
    if not np.isfinite(signal).all():
        bad = int((~np.isfinite(signal)).sum())
        raise ValueError(f"{bad} of {len(signal)} samples are not finite numbers.")
    return signal, float(rate)
