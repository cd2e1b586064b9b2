"""The beats of the demo and their predictions, without widgets; for notebooks and tests as well."""

from collections.abc import Callable

import numpy as np

from ecglib.apps.demo.state.reading import Reading, Trace, where
from ecglib.beats.beats import Beats
from ecglib.beats.prepared import UNLABELLED
from ecglib.labels import CLASSES, patient_of
from ecglib.models.classifier import Classifier
from ecglib.recordings.quality import OK

ALL = "all"
UNREADABLE = "unreadable"
DISAGREE = "the models disagree"
OUTCOMES = (ALL, "right", "wrong", "uncertain", UNREADABLE, DISAGREE)
ORDERS = ("original order", "surest first", "least sure first")
BATCH = 1024  # beats between two reports of progress
UNFINISHED = (
    "Not all beats have been classified yet, so they can't be selected or sorted by their "
    "prediction. Wait until this is done, or select them by something else."
)


class Gallery:
    """Beats to look at, one at a time: filtered, ordered, and classified.

    Parameters
    ----------
    classifier : Classifier
    beats : Beats
        Test beats of a split, or beats of an uploaded file. Label -1 means unknown.
    seed : int
        Seed of the random jumps.
    proba : ndarray, shape (n, 5), optional
        Probabilities of all beats, NaN for unreadable ones. Without them, `classify` must be called
        before beats can be selected by their prediction.
    trace : callable, optional
        Gives the `Trace` of a beat by its position in `beats`, or None.
    quality : ndarray, shape (n,), str, optional
        Signal quality, as ``Classifier.classify_recording`` gives it; only ``ok`` is readable.
    """

    def __init__(
        self,
        classifier: Classifier,
        beats: Beats,
        seed: int = 0,
        proba: np.ndarray | None = None,
        trace: Callable[[int], Trace | None] = lambda which: None,
        quality: np.ndarray | None = None,
    ):
        self.beats = beats
        self.threshold = classifier.threshold
        self.classifier = classifier
        self.second: Gallery | None = None  # the same beats, classified by another model
        self.proba = proba
        self.quality = np.full(len(beats), OK) if quality is None else quality
        self._trace = trace
        self._rng = np.random.default_rng(seed)
        self._labelled = beats.label != UNLABELLED
        self._patient = np.array([patient_of(record) for record in beats.record.tolist()])
        self.select()

    def __len__(self) -> int:
        """Number of selected beats."""
        return len(self.chosen)

    @property
    def ready(self) -> bool:
        """Whether all beats have been classified."""
        return self.proba is not None

    @property
    def patients(self) -> list[str]:
        """Names of the patients, sorted; of an upload, its files."""
        return sorted(set(self._patient.tolist()))

    @property
    def readable(self) -> np.ndarray:
        """Which beats are readable, shape (n,), bool."""
        return self.quality == OK

    @property
    def predicted(self) -> np.ndarray:
        """Predicted class of each beat, shape (n,), int; -1 if unreadable."""
        return np.where(self.readable, self._all_proba().argmax(axis=1), -1)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted class, shape (n,); NaN if unreadable."""
        return self._all_proba().max(axis=1)

    @property
    def uncertain(self) -> np.ndarray:
        """Which beats a person should check, shape (n,), bool."""
        return (self.confidence < self.threshold) | ~self.readable

    def _all_proba(self) -> np.ndarray:
        if self.proba is None:
            raise ValueError(UNFINISHED)
        return self.proba

    def classify(self, progress: Callable[[float], None] = lambda share: None) -> np.ndarray:
        """Probabilities of all beats, shape (n, 5), for ``proba``; the gallery stays as it is.

        ``progress`` takes the share done and may raise to end the work.
        """
        parts = [np.zeros((0, len(CLASSES)))]
        for start in range(0, len(self.beats), BATCH):
            progress(start / len(self.beats))
            parts.append(self._predict(slice(start, start + BATCH)))
        return np.concatenate(parts)

    def _predict(self, rows: slice) -> np.ndarray:
        proba = self.classifier.predict_proba(self.beats.signal[rows], self.beats.rhythm[rows])
        proba[~self.readable[rows]] = np.nan
        return proba

    def with_model(self, classifier: Classifier) -> "Gallery":
        """The same beats, to be classified by another model."""
        other = Gallery(classifier, self.beats, trace=self._trace, quality=self.quality)
        other._rng, other.threshold = self._rng, self.threshold
        return other

    def select(
        self,
        class_name: str = ALL,
        outcome: str = ALL,
        order: str = ORDERS[0],
        patient: str = ALL,
    ) -> None:
        """Select beats, and go to the first of them.

        Parameters
        ----------
        class_name : {"all", "N", "S", "V", "F", "Q"}
            The true class; for beats without a label, the predicted one.
        outcome : {"all", "right", "wrong", "uncertain", "unreadable", "the models disagree"}
            Unlabelled and unreadable beats are neither right nor wrong.
        order : {"original order", "surest first", "least sure first"}
        patient : str
            ``"all"`` or one of `patients`.

        Raises
        ------
        ValueError
            A value is none of these, or the beats have not been classified yet.
        """
        allowed = (
            (class_name, (ALL, *CLASSES)),
            (outcome, OUTCOMES),
            (order, ORDERS),
            (patient, (ALL, *self.patients)),
        )
        for value, choices in allowed:
            if value not in choices:
                raise ValueError(f"There is no choice '{value}'. Choose from {', '.join(choices)}.")
        keep = self._with_outcome(outcome)
        if patient != ALL:
            keep &= self._patient == patient
        if class_name != ALL:
            known = self.beats.label
            if not self._labelled.all():
                known = np.where(self._labelled, known, self.predicted)
            keep &= known == CLASSES.index(class_name)
        chosen = np.flatnonzero(keep)
        if order != ORDERS[0]:
            sign = -1 if order == "surest first" else 1
            chosen = chosen[np.argsort(sign * self.confidence[chosen], kind="stable")]
        self.chosen, self.position = chosen, 0

    def _with_outcome(self, outcome: str) -> np.ndarray:
        """Which beats have such an outcome, shape (n,), bool."""
        if outcome == ALL:
            return np.ones(len(self.beats), dtype=bool)
        if outcome == "uncertain":
            return self.uncertain
        if outcome == UNREADABLE:
            return ~self.readable
        if outcome == DISAGREE:
            if self.second is None:
                raise ValueError("Choose a second model first, to compare with.")
            return self.predicted != self.second.predicted
        right = self.predicted == self.beats.label
        return self._labelled & self.readable & (right == (outcome == "right"))

    def step(self, by: int) -> None:
        """Go on (1) or back (-1); the first beat follows the last."""
        if len(self):
            self.position = (self.position + by) % len(self)

    def jump(self) -> None:
        """Go to another selected beat, drawn at random."""
        if len(self) > 1:
            self.step(int(self._rng.integers(1, len(self))))

    def next_abnormal(self) -> bool:
        """Go to the next beat predicted as abnormal; returns whether there is one."""
        away = np.roll(np.arange(len(self)), -self.position - 1)[: max(len(self) - 1, 0)]
        abnormal = away[self.predicted[self.chosen[away]] > 0]
        if len(abnormal):
            self.position = int(abnormal[0])
        return bool(len(abnormal))

    def reading(self) -> Reading | None:
        """The current beat; None if no beat is selected."""
        return self.reading_of(int(self.chosen[self.position])) if len(self) else None

    def reading_of(self, which: int) -> Reading:
        """The beat at a position in `beats`."""
        signal, label = self.beats.signal[which], self.beats.label[which]
        row = slice(which, which + 1)
        proba = self.proba[row] if self.ready else self._predict(row)
        return Reading(
            signal=signal,
            proba=proba[0],
            attention=self.classifier.attention(signal)[0],
            threshold=self.threshold,
            true=None if label == UNLABELLED else CLASSES[label],
            where=where(self.beats, which),
            model=str(self.classifier.card.get("name", "")),
            trace=self._trace(which),
            other=self.second and self.second.reading_of(which),
            quality=str(self.quality[which]),
        )

    def set_threshold(self, threshold: float) -> None:
        """Set the confidence below which a beat is uncertain, for both models."""
        self.threshold = threshold
        if self.second:
            self.second.threshold = threshold

    def summary(self) -> str:
        """Accuracy and share of uncertain beats at the current threshold."""
        if not len(self.beats):
            return "There are no beats."
        if not self.ready:
            return f"{len(self.beats):,} beats."
        sure, readable = ~self.uncertain, self.readable
        text = f"{(readable & ~sure).mean():.1%} of {len(self.beats):,} beats are uncertain"
        if not readable.all():
            text += f", {(~readable).mean():.1%} are unreadable"
        if (compared := self._labelled & readable).any():
            right = (self.predicted == self.beats.label)[compared]
            of = "all" if compared.all() else f"the {len(right):,} with a known class"
            of += "" if readable.all() or compared.all() else " and a prediction"
            text += f"; {right.mean():.1%} of {of} are right"
            if (known := sure[compared]).any():
                text += f", {right[known].mean():.1%} of those that are not uncertain"
        if self.second and self.second.ready:
            text += f". The models agree on {(self.predicted == self.second.predicted).mean():.1%}"
        return text + "."
