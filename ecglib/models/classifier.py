"""The trained network as people use it: beats or a whole recording in, classes out."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import softmax

from ecglib.beats.beats import BEAT_SAMPLES, DECIMATION
from ecglib.beats.find import beat_rows, find_beats, upside_down, watched
from ecglib.beats.rhythm import RHYTHM, rhythm_between
from ecglib.labels import CLASSES
from ecglib.models.engines import by_torch, pick_engine
from ecglib.models.model_file import StoredModel, read_model
from ecglib.paths import DEFAULT_MODEL, MODELS
from ecglib.recordings.quality import OK, looks_inverted, stretches, unbroken
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.recording import RECORDING_FS, Ecg, resampling_ratio
from ecglib.recordings.rpeaks import WINDOW

if TYPE_CHECKING:
    from ecglib.models.network import CNNLSTM, Ensemble


class Classifier:
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
    classes : tuple of str
        ``("N", "S", "V", "F", "Q")``.
    card : dict
        The model card: data, split, recipe, metrics, calibration, limits.
    engine : str
        What computes: ``"torch"``, ``"onnxruntime"`` or ``"openvino"``.
    """

    classes = CLASSES

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
        stored = read_model(path or MODELS / f"{DEFAULT_MODEL}.safetensors")
        return cls(stored, stored.card, engine)

    @property
    def model(self) -> "CNNLSTM | Ensemble":
        """The network in PyTorch."""
        return self._model.network if isinstance(self._model, StoredModel) else self._model

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

    def classify_recording(
        self,
        path_or_array,
        fs: float | None = None,
        lead: int | str = 0,
        *,
        detector: str = "matched",
        invert: bool = False,
        progress: Callable[[None], None] | None = None,
    ) -> pd.DataFrame:
        """Find the beats of a recording and classify each of them.

        The recording is read in blocks: a day of it takes no more memory than an hour.

        Parameters
        ----------
        path_or_array : str, Path, dict or array_like
            Whatever `ecglib.beats.prepared.read_ecg` reads: a WFDB record, a text, EDF or ISHNE file, a
            folder or zip with one, uploaded files, or samples of shape (n_samples,) or
            (n_samples, n_leads). The unit does not matter, since every beat is scaled.
        fs : float, optional
            Sampling rate in Hz; needed where the source does not tell it.
        lead : int or str
            Which lead to classify, counted from 0, or its name.
        detector : {"matched", "gqrs", "xqrs", "sleepecg"}
            Of the R peaks, see `ecglib.recordings.rpeaks.find_r_peaks`.
        invert : bool
            Turn a lead that was recorded upside down.
        progress : callable, optional
            Called with None before a block is read; what it raises ends the work.

        Returns
        -------
        DataFrame
            One row a beat, except the recording's last one, which has no following RR interval:
            ``time_s``, ``sample`` (at the recording's own rate), ``label``, ``confidence``,
            ``p_N`` to ``p_Q``, ``uncertain``, ``quality``. Where the quality is not ``ok`` but
            ``flat``, ``clipped`` or ``noise``, there is no verdict: the label is empty, and the
            probabilities are what the network said of the noise. ``attrs`` holds ``name``, ``fs``,
            ``lead``, ``lead_numbers``, ``duration_s``, ``no_verdict`` (the stretches), ``assumed``
            and ``warnings`` (sentences).

        Raises
        ------
        ValueError
            The recording can't be read, has no such lead, or ``fs`` is missing or impossible.
        """
        with open_ecg(path_or_array, fs=fs) as ecg:
            number = ecg.lead_number(lead)
            ecg = upside_down(ecg) if invert else ecg
            ecg = watched(ecg, progress) if progress else ecg
            peaks, windows = find_beats(ecg, number, detector)
            keep = np.arange(max(len(peaks) - 1, 0))
            quality = windows[peaks[keep] // WINDOW]
            time = peaks / RECORDING_FS
            known = unbroken(time, stretches(windows, ecg.n_samples / ecg.fs))
            for k in np.flatnonzero(~known):  # its row may be of what nobody can judge
                last = min(peaks[k + 1], peaks[k] + BEAT_SAMPLES * DECIMATION - 1)
                within = windows[peaks[k] // WINDOW : last // WINDOW + 1]
                quality[k] = next((each for each in within if each != OK), OK)
            rhythm = rhythm_between(np.where(known, np.diff(time), np.nan))
            proba, sample_rows = [np.zeros((0, len(CLASSES)))], [np.zeros((0, BEAT_SAMPLES))]
            for which, rows in beat_rows(ecg, number, peaks):
                proba.append(self.predict_proba(rows, rhythm[which]))
                sample_rows.append(rows[quality[which] == OK][:20].copy())  # not a view of all
        proba = np.concatenate(proba)
        up, down = resampling_ratio(ecg.fs)
        sample = np.rint(peaks[keep] * down / up).astype(np.int64)
        table = verdict_table(ecg, [number], sample, proba, self.threshold, quality, windows)
        table.attrs["warnings"] = _warnings(table, np.concatenate(sample_rows))
        return table


def verdict_table(
    ecg: Ecg,
    leads: list[int],
    sample: np.ndarray,
    proba: np.ndarray,
    threshold: float,
    quality: np.ndarray,
    windows: np.ndarray,
) -> pd.DataFrame:
    """What :meth:`Classifier.classify_recording` returns, without warnings.

    Parameters
    ----------
    ecg : Ecg
    leads : list of int
        Numbers of those that were judged by.
    sample : ndarray, shape (n,), int
        R peaks at the recording's own rate.
    proba : ndarray, shape (n, 5)
    threshold : float
        Confidence below which a beat is uncertain.
    quality : ndarray, shape (n,), str
        Of the signal at each beat; without verdict where it is not ``ok``.
    windows : ndarray of str
        Quality of the whole lead, from `ecglib.beats.find.find_beats`.
    """
    confidence, duration = proba.max(axis=1), ecg.n_samples / ecg.fs
    table = pd.DataFrame(
        {
            "time_s": sample / ecg.fs,
            "sample": sample,
            "label": np.where(quality == OK, np.array(CLASSES)[proba.argmax(axis=1)], ""),
            "confidence": confidence,
            **{f"p_{name}": proba[:, i] for i, name in enumerate(CLASSES)},
            "uncertain": (confidence < threshold) | (quality != OK),
            "quality": quality,
        }
    )
    table.attrs = {
        "name": ecg.name,
        "fs": ecg.fs,
        "lead": ", ".join(ecg.leads[k] for k in leads),
        "lead_numbers": leads,
        "duration_s": duration,
        "no_verdict": stretches(windows, duration),
        "assumed": list(ecg.assumed),
        "warnings": [],
    }
    return table


def _warnings(table: pd.DataFrame, rows: np.ndarray) -> list[str]:
    """Why the table may mislead, one sentence each."""
    found = []
    if table.empty:
        found.append("No beats were found: is it an ECG of more than a few seconds?")
    if looks_inverted(rows):
        found.append(
            "The lead looks upside down: R peaks and T waves point down. If it is, classify it "
            "again with invert=True; in leads such as aVR or V1 this is normal."
        )
    if len(table) and (share := (table["quality"] != OK).mean()) > 0.2:
        found.append(f"The signal is too poor for a verdict on {share:.0%} of the beats.")
    return found


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
