"""What the demo knows, without a widget: the beats offered, and what is said of the one shown.

Everything the demo answers can be asked here, in a notebook or a test, without a browser.
"""

from dataclasses import dataclass

import numpy as np

from ecglib.beats import BEAT_FS, RECORDING_FS, Beats
from ecglib.classifier import Classifier
from ecglib.labels import CLASSES, MITDB_RECORDS
from ecglib.uploads import UNLABELLED, UPLOAD

EVERY = "all"
VERDICTS = (EVERY, "right", "wrong")
ORDERS = ("as they come", "surest first", "least sure first")


@dataclass(frozen=True, eq=False)
class Reading:
    """One beat, what the classifier says of it, and what is known about it.

    Attributes
    ----------
    signal : ndarray, shape (187,)
        At 120 Hz, scaled to [0, 1]; zeros at its end are padding.
    proba : ndarray, shape (5,)
        Calibrated class probabilities.
    attention : ndarray, shape (187,)
        How much each moment counted; sums to 1.
    threshold : float
        Confidence below which a beat is called uncertain.
    true : str or None
        Class letter, where it is known.
    where : str
        Where the beat comes from, in words.
    """

    signal: np.ndarray
    proba: np.ndarray
    attention: np.ndarray
    threshold: float
    true: str | None
    where: str

    @property
    def ms(self) -> np.ndarray:
        """Time of each sample after the R peak, in ms."""
        return np.arange(len(self.signal)) * 1000 / BEAT_FS

    @property
    def used(self) -> int:
        """How many samples come before the padding."""
        return len(np.trim_zeros(self.signal, "b"))

    @property
    def said(self) -> str:
        """Letter of the most probable class."""
        return CLASSES[int(self.proba.argmax())]

    @property
    def confidence(self) -> float:
        """Probability of the most probable class."""
        return float(self.proba.max())

    @property
    def uncertain(self) -> bool:
        """Whether a person should look at this beat."""
        return self.confidence < self.threshold

    @property
    def right(self) -> bool | None:
        """Whether the classifier names the true class; None where nobody knows it."""
        return None if self.true is None else self.said == self.true


class Gallery:
    """Beats to look at, one at a time: filtered, ordered, and classified all at once.

    Parameters
    ----------
    classifier : Classifier
    beats : Beats
        Those offered, such as the test beats of a split or the beats of an uploaded file. A label
        of -1 means that nobody has said what the beat is.
    seed : int
        Of the random jumps.
    """

    def __init__(self, classifier: Classifier, beats: Beats, seed: int = 0):
        self.beats = beats
        self.threshold = classifier.threshold
        self._classifier = classifier
        self._rng = np.random.default_rng(seed)
        self._proba = classifier.predict_proba(beats.signal)
        self._confidence = self._proba.max(axis=1)
        self._said = self._proba.argmax(axis=1)
        self._labelled = beats.label != UNLABELLED
        self.select()

    def __len__(self) -> int:
        """How many beats fit the selection."""
        return len(self.chosen)

    def select(self, class_name: str = EVERY, verdict: str = EVERY, order: str = ORDERS[0]) -> None:
        """Offer only some of the beats, and start with the first of them.

        Parameters
        ----------
        class_name : {"all", "N", "S", "V", "F", "Q"}
            The true class; for beats without a label, what the classifier calls them.
        verdict : {"all", "right", "wrong"}
            Beats without a label are neither right nor wrong.
        order : {"as they come", "surest first", "least sure first"}

        Raises
        ------
        ValueError
            One of them is something else.
        """
        allowed = ((class_name, (EVERY, *CLASSES)), (verdict, VERDICTS), (order, ORDERS))
        for value, choices in allowed:
            if value not in choices:
                raise ValueError(f"There is no choice '{value}'. Choose from {', '.join(choices)}.")
        keep = np.ones(len(self.beats), dtype=bool)
        if class_name != EVERY:
            known = np.where(self._labelled, self.beats.label, self._said)
            keep &= known == CLASSES.index(class_name)
        if verdict != EVERY:
            keep &= self._labelled & ((self._said == self.beats.label) == (verdict == "right"))
        self.chosen = np.flatnonzero(keep)
        if order != ORDERS[0]:
            rank = self._confidence[self.chosen]
            rank = -rank if order == "surest first" else rank
            self.chosen = self.chosen[np.argsort(rank, kind="stable")]
        self.position = 0

    def step(self, by: int) -> None:
        """Go on (1) or back (-1); behind the last beat comes the first again."""
        if len(self):
            self.position = (self.position + by) % len(self)

    def jump(self) -> None:
        """Go to another beat of the selection, drawn at random."""
        if len(self) > 1:
            self.step(int(self._rng.integers(1, len(self))))

    def reading(self) -> Reading | None:
        """The beat that is shown now; None where no beat fits the selection."""
        if not len(self):
            return None
        which = self.chosen[self.position]
        label = self.beats.label[which]
        return Reading(
            signal=self.beats.signal[which],
            proba=self._proba[which],
            attention=self._classifier.attention(self.beats.signal[which])[0],
            threshold=self.threshold,
            true=None if label == UNLABELLED else CLASSES[label],
            where=_where(self.beats, which),
        )

    def summary(self) -> str:
        """How the classifier fares on all beats offered, at the threshold of now."""
        if not len(self.beats):
            return "There are no beats."
        sure = self._confidence >= self.threshold
        text = f"{1 - sure.mean():.1%} of {len(self.beats):,} beats are uncertain"
        if self._labelled.all():
            right = self._said == self.beats.label
            text += f"; {right.mean():.1%} of all are right"
            if sure.any():
                text += f", {right[sure].mean():.1%} of those that are not uncertain"
        return text + "."


def _where(beats: Beats, which: int) -> str:
    """A beat's origin in words: file and row, or record and time."""
    record, sample = str(beats.record[which]), int(beats.sample[which])
    if beats.source == UPLOAD:
        return f"{record}, beat {sample}"
    if not beats.synthetic and record not in MITDB_RECORDS:
        return f"record {record} at sample {sample:,}"  # of an unknown rate
    minutes, seconds = divmod(sample / RECORDING_FS, 60)
    return f"record {record} at {minutes:.0f} min {seconds:.1f} s"


def cautions(card: dict, protocol: str, synthetic: bool) -> list[str]:
    """Why the results on these test beats may mislead, one sentence each; empty if nothing does.

    Parameters
    ----------
    card : dict
        The model's card.
    protocol : str
        Under which the test beats were split off.
    synthetic : bool
        Whether the test beats are.
    """
    trained_on = card.get("trained_on", {})
    found = []
    if synthetic:
        found.append("The test beats are SYNTHETIC: generated, not recorded from people.")
    if trained_on.get("synthetic", synthetic) != synthetic:
        kinds = ("recorded", "synthetic")
        found.append(
            f"The model has learnt from {kinds[not synthetic]} beats and is shown "
            f"{kinds[synthetic]} ones: what it says of them means little."
        )
    elif (learnt := trained_on.get("protocol")) != protocol:
        under = f"under the protocol '{learnt}'" if learnt else "nobody has noted how"
        found.append(
            f"The model was trained {under}, the test beats are those of '{protocol}': it may "
            "have been trained on some of them, so being right here proves little."
        )
    return found
