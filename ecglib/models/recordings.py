"""A recording classified: from its found beats to one table, the same way for every model."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecglib.beats.find import FoundBeats, find_beats, upside_down, watched
from ecglib.labels import CLASSES
from ecglib.recordings.quality import OK
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.recording import Ecg, likely_leads

POOR_SHARE = 0.2  # of unreadable beats, from which the table warns
Leads = int | str | tuple[int | str, ...]


@dataclass(frozen=True, eq=False)
class ClassifiedRecording:
    """The classes of a recording's beats, and all that a face shows of it.

    Attributes
    ----------
    table : DataFrame
        What :meth:`RecordingClassifier.classify_recording` returns.
    found : FoundBeats
        The beats; its recording can be read for as long as it is open.
    """

    table: pd.DataFrame
    found: FoundBeats

    name = property(lambda self: self.found.ecg.name)
    fs = property(lambda self: self.found.ecg.fs)
    duration_s = property(lambda self: self.found.duration_s)
    unreadable = property(lambda self: self.found.unreadable)
    assumed = property(lambda self: list(self.found.ecg.assumed))

    @property
    def leads(self) -> list[str]:
        """Names of the leads that the model judged by."""
        return [self.found.ecg.leads[k] for k in self.found.leads]

    @property
    def rr(self) -> np.ndarray:
        """RR interval in seconds after each beat of the table, shape (n,), NaN where unknown."""
        readable = (self.table["quality"] == OK).to_numpy()
        rr = np.append(self.found.rr, np.nan)[: len(readable)]
        following = np.append(readable[1:], False)
        return np.where(readable & following, rr, np.nan)

    @property
    def warnings(self) -> list[str]:
        """Reasons why the table may mislead, one sentence each."""
        found = []
        if self.table.empty:
            found.append("No beats were found. Is it an ECG of more than a few seconds?")
        if self.found.inverted:
            found.append(
                "The lead looks upside down: R peaks and T waves point down. If it is, classify "
                "it again with invert=True; in leads such as aVR or V1 this is normal."
            )
        if len(self.table) and (share := (self.table["quality"] != OK).mean()) > POOR_SHARE:
            found.append(f"The signal is too poor to classify {share:.0%} of the beats.")
        return found


class RecordingClassifier:
    """Base of the models: what they share to classify whole recordings.

    A model answers :meth:`predict_found` with class probabilities. One that ``reads_rows`` needs
    the RR interval after a beat, so it leaves out the last.

    Attributes
    ----------
    classes : tuple of str
        ``("N", "S", "V", "F", "Q")``.
    card : dict
        The model card: data, split, recipe, metrics, calibration, limits.
    """

    classes = CLASSES
    card: dict
    reads_rows: bool
    most_leads: int

    def __repr__(self) -> str:
        learnt = self.card.get("trained_on", {})
        told = [str(self.card.get("name", "unnamed"))]
        told += [f"{n:,} parameters"] if (n := self.card.get("parameters")) else []
        told += [f"trained on {learnt['protocol']}"] if learnt.get("protocol") else []
        return f"{type(self).__name__}({', '.join(told)}, threshold {self.threshold:.3f})"

    @property
    def threshold(self) -> float:
        """Confidence below which a beat is called uncertain."""
        return float(self.card.get("threshold", 0.6))

    def predict_found(self, found: FoundBeats) -> np.ndarray:
        """Class probabilities of a recording's beats, shape (n, 5) or (n - 1, 5), float64."""
        raise NotImplementedError

    def classify_recording(
        self,
        source,
        fs: float | None = None,
        lead: Leads = 0,
        *,
        invert: bool = False,
        progress: Callable[[None], None] | None = None,
    ) -> pd.DataFrame:
        """Find the beats of a recording and classify each of them.

        Parameters
        ----------
        source : str, Path, dict or array_like
            Whatever `ecglib.recordings.reading.open_source` reads: a WFDB record, a text, EDF or
            ISHNE file, a folder or zip with one, uploaded files, or samples of shape (n_samples,)
            or (n_samples, n_leads), in any unit.
        fs : float, optional
            Sampling rate in Hz; needed where the source does not tell it.
        lead : int, str or tuple
            Lead by number from 0 or by name; several for a model that can use them, R peaks being
            looked for in the first; ``"auto"`` for those most like MIT-BIH's.
        invert : bool
            Turn a lead that was recorded upside down.
        progress : callable, optional
            Called with None before a block is read; an exception in it ends the work.

        Returns
        -------
        DataFrame
            One row a beat: ``time_s``, ``sample`` (at the recording's own rate), ``label``,
            ``confidence``, ``p_N`` to ``p_Q``, ``uncertain``, ``quality``. Where the quality is not
            ``ok`` but ``flat``, ``clipped`` or ``noise``, the beat is unreadable: its label is
            empty, and its probabilities mean nothing.

        Raises
        ------
        ValueError
            The recording can't be read, has no such lead, or ``fs`` is missing or impossible.
        """
        return self.classify_file(source, fs, lead, invert=invert, progress=progress).table

    def classify_file(self, source, fs: float | None = None, lead: Leads = 0, **how):
        """As :meth:`classify_recording`, with all that is known of the recording."""
        with open_ecg(source, fs=fs) as ecg:
            return self.classify_opened(ecg, lead, **how)

    def classify_opened(
        self,
        ecg: Ecg,
        lead: Leads = 0,
        *,
        invert: bool = False,
        progress: Callable[[None], None] | None = None,
    ) -> ClassifiedRecording:
        """As :meth:`classify_file`, of a recording that is open, and stays so."""
        ecg = upside_down(ecg) if invert else ecg
        ecg = watched(ecg, progress) if progress else ecg
        found = find_beats(ecg, choose_leads(ecg, lead, self.most_leads))
        return ClassifiedRecording(self._table(found), found)

    def _table(self, found: FoundBeats) -> pd.DataFrame:
        proba = self.predict_found(found)
        quality = found.row_quality if self.reads_rows else found.quality
        sample, confidence = found.sample[: len(proba)], proba.max(axis=1, initial=0)
        return pd.DataFrame(
            {
                "time_s": sample / found.ecg.fs,
                "sample": sample,
                "label": np.where(quality == OK, np.array(CLASSES)[proba.argmax(axis=1)], ""),
                "confidence": confidence,
                **{f"p_{name}": proba[:, i] for i, name in enumerate(CLASSES)},
                "uncertain": (confidence < self.threshold) | (quality != OK),
                "quality": quality,
            }
        )


def choose_leads(ecg: Ecg, lead: Leads, most: int) -> tuple[int, ...]:
    """Numbers of the leads named, or with ``"auto"`` of at most so many, most like MIT-BIH's first.

    Raises
    ------
    ValueError
        There is no such lead, or the model can't use so many.
    """
    if isinstance(lead, str) and lead == "auto":
        return tuple(likely_leads(ecg.leads, most))
    named = lead if isinstance(lead, (tuple, list)) else (lead,)
    if not 0 < len(named) <= most:
        several = "1 lead" if most == 1 else f"1 to {most} leads"
        raise ValueError(f"This model uses {several}, not {len(named)}.")
    return tuple(ecg.lead_number(each) for each in named)
