"""What the demo knows, without a widget: the beats offered, and what is said of the one shown.

Everything the demo answers can be asked here, in a notebook or a test, without a browser.
"""

from collections.abc import Callable

import numpy as np

from ecglib.apps.demo.state.reading import Reading, Trace, where
from ecglib.beats.beats import Beats
from ecglib.beats.prepared import UNLABELLED
from ecglib.labels import CLASSES, patient_of
from ecglib.models.classifier import Classifier
from ecglib.recordings.quality import OK

EVERY = "all"
NO_VERDICT = "without a verdict"
VERDICTS = (EVERY, "right", "wrong", "uncertain", NO_VERDICT, "the models disagree")
ORDERS = ("as they come", "surest first", "least sure first")
BATCH = 1024  # beats between two signs of life
UNFINISHED = (
    "Not all beats have been classified yet, so they can't be chosen by what is said of them. "
    "Wait for it, or choose by something else."
)


class Gallery:
    """Beats to look at, one at a time: filtered, ordered, and classified.

    Parameters
    ----------
    classifier : Classifier
    beats : Beats
        Those offered, such as the test beats of a split or the beats of an uploaded file. A label
        of -1 means that nobody has said what the beat is.
    seed : int
        Of the random jumps.
    proba : ndarray, shape (n, 5), optional
        Of all beats, where they have been classified before; otherwise `classify` has to be called
        before anything is chosen by what is said of the beats.
    trace : callable, optional
        Gives the `Trace` of a beat by its position in `beats`, or None.
    fs : float, optional
        Sampling rate in Hz of the recording that the beats come from, where it is known.
    rhythm : ndarray, shape (n, 6), optional
        Of all beats, as ``rhythm_features`` gives it, for networks that read it.
    quality : ndarray, shape (n,), str, optional
        Of all beats, as ``Classifier.classify_recording`` gives it: where it is not ``ok``, no
        model gives a verdict, and `proba` is NaN.
    """

    def __init__(
        self,
        classifier: Classifier,
        beats: Beats,
        seed: int = 0,
        proba: np.ndarray | None = None,
        trace: Callable[[int], Trace | None] | None = None,
        fs: float | None = None,
        rhythm: np.ndarray | None = None,
        quality: np.ndarray | None = None,
    ):
        self.beats = beats
        self.threshold = classifier.threshold
        self.classifier = classifier
        self.second: Gallery | None = None  # the same beats, classified by another model
        self.proba = proba
        self.fs = fs
        self.rhythm = rhythm
        self.quality = np.full(len(beats), OK) if quality is None else quality
        self._trace = trace or (lambda which: None)
        self._rng = np.random.default_rng(seed)
        self._labelled = beats.label != UNLABELLED
        self._patient = np.array([patient_of(record) for record in beats.record.tolist()])
        self.select()

    def __len__(self) -> int:
        """How many beats fit the selection."""
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
    def said(self) -> np.ndarray:
        """What each beat is called, shape (n,), int; -1 without a verdict."""
        return np.where(self.quality == OK, self._all_proba().argmax(axis=1), -1)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the class each beat is called, shape (n,); NaN without a verdict."""
        return self._all_proba().max(axis=1)

    @property
    def uncertain(self) -> np.ndarray:
        """Which beats a person should look at, shape (n,), bool."""
        return (self.confidence < self.threshold) | (self.quality != OK)

    def _all_proba(self) -> np.ndarray:
        if self.proba is None:
            raise ValueError(UNFINISHED)
        return self.proba

    def classify(self, progress: Callable[[float], None] = lambda share: None) -> np.ndarray:
        """Probabilities of all beats, shape (n, 5), a batch at a time.

        Nothing of the gallery is changed, so that another thread may do it; set ``proba`` to the
        result.

        Parameters
        ----------
        progress : callable
            Is told the share that is done, and may raise to end it.
        """
        parts = [np.zeros((0, len(CLASSES)))]
        for start in range(0, len(self.beats), BATCH):
            progress(start / len(self.beats))
            parts.append(self._predict(slice(start, start + BATCH)))
        return np.concatenate(parts)

    def _predict(self, rows: slice) -> np.ndarray:
        rhythm = None if self.rhythm is None else self.rhythm[rows]
        proba = self.classifier.predict_proba(self.beats.signal[rows], rhythm)
        proba[self.quality[rows] != OK] = np.nan
        return proba

    def with_model(self, classifier: Classifier) -> "Gallery":
        """The same beats, to be classified by another model."""
        other = Gallery(
            classifier, self.beats, trace=self._trace, fs=self.fs, rhythm=self.rhythm,
            quality=self.quality,
        )  # fmt: skip
        other._rng, other.threshold = self._rng, self.threshold
        return other

    def select(
        self,
        class_name: str = EVERY,
        verdict: str = EVERY,
        order: str = ORDERS[0],
        patient: str = EVERY,
    ) -> None:
        """Offer only some of the beats, and start with the first of them.

        Parameters
        ----------
        class_name : {"all", "N", "S", "V", "F", "Q"}
            The true class; for beats without a label, what the classifier calls them.
        verdict : {"all", "right", "wrong", "uncertain", "without a verdict", "the models disagree"}
            Beats without a label or a verdict are neither right nor wrong.
        order : {"as they come", "surest first", "least sure first"}
        patient : str
            ``"all"`` or one of `patients`.

        Raises
        ------
        ValueError
            One of them is something else, or the beats have not been classified yet.
        """
        allowed = (
            (class_name, (EVERY, *CLASSES)),
            (verdict, VERDICTS),
            (order, ORDERS),
            (patient, (EVERY, *self.patients)),
        )
        for value, choices in allowed:
            if value not in choices:
                raise ValueError(f"There is no choice '{value}'. Choose from {', '.join(choices)}.")
        keep = self._keep(verdict)
        if patient != EVERY:
            keep &= self._patient == patient
        if class_name != EVERY:
            known = self.beats.label
            if not self._labelled.all():
                known = np.where(self._labelled, self.beats.label, self.said)
            keep &= known == CLASSES.index(class_name)
        chosen = np.flatnonzero(keep)
        if order != ORDERS[0]:
            rank = self.confidence[chosen]
            rank = -rank if order == "surest first" else rank
            chosen = chosen[np.argsort(rank, kind="stable")]
        self.chosen, self.position = chosen, 0

    def _keep(self, verdict: str) -> np.ndarray:
        """Which beats have such a verdict, shape (n,), bool."""
        if verdict == EVERY:
            return np.ones(len(self.beats), dtype=bool)
        if verdict == "uncertain":
            return self.uncertain.copy()
        if verdict == NO_VERDICT:
            return self.quality != OK
        if verdict == "the models disagree":
            if self.second is None:
                raise ValueError("There is only one model now: choose a second one to compare.")
            return self.said != self.second.said
        judged = self._labelled & (self.quality == OK)
        return judged & ((self.said == self.beats.label) == (verdict == "right"))

    def step(self, by: int) -> None:
        """Go on (1) or back (-1); behind the last beat comes the first again."""
        if len(self):
            self.position = (self.position + by) % len(self)

    def jump(self) -> None:
        """Go to another beat of the selection, drawn at random."""
        if len(self) > 1:
            self.step(int(self._rng.integers(1, len(self))))

    def next_abnormal(self) -> bool:
        """Go to the next beat that is not called Normal; returns whether there is one."""
        away = np.roll(np.arange(len(self)), -self.position - 1)[: max(len(self) - 1, 0)]
        abnormal = away[self.said[self.chosen[away]] > 0]
        if len(abnormal):
            self.position = int(abnormal[0])
        return bool(len(abnormal))

    def reading(self) -> Reading | None:
        """The beat that is shown now; None where no beat fits the selection."""
        return self.reading_of(int(self.chosen[self.position])) if len(self) else None

    def reading_of(self, which: int) -> Reading:
        """What is known of the beat at a position in `beats`."""
        signal, label = self.beats.signal[which], self.beats.label[which]
        known = self.proba is not None
        proba = self.proba[which] if known else self._predict(slice(which, which + 1))[0]
        return Reading(
            signal=signal,
            proba=proba,
            attention=self.classifier.attention(signal)[0],
            threshold=self.threshold,
            true=None if label == UNLABELLED else CLASSES[label],
            where=where(self.beats, which, self.fs),
            model=str(self.classifier.card.get("name", "")),
            trace=self._trace(which),
            other=self.second and self.second.reading_of(which),
            quality=str(self.quality[which]),
        )

    def set_threshold(self, threshold: float) -> None:
        """Confidence below which a beat is uncertain, for both models."""
        self.threshold = threshold
        if self.second:
            self.second.threshold = threshold

    def summary(self) -> str:
        """How the classifier fares on all beats offered, at the threshold of now."""
        if not len(self.beats):
            return "There are no beats."
        if not self.ready:
            return f"{len(self.beats):,} beats."
        sure, judged = ~self.uncertain, self.quality == OK
        text = f"{(judged & ~sure).mean():.1%} of {len(self.beats):,} beats are uncertain"
        if not judged.all():
            text += f", {(~judged).mean():.1%} have no verdict"
        if (compared := self._labelled & judged).any():
            right = (self.said == self.beats.label)[compared]
            of = "all" if compared.all() else f"the {len(right):,} with a known class"
            of += "" if judged.all() or compared.all() else " and a verdict"
            text += f"; {right.mean():.1%} of {of} are right"
            if (known := sure[compared]).any():
                text += f", {right[known].mean():.1%} of those that are not uncertain"
        if self.second and self.second.ready:
            text += f". The models agree on {(self.said == self.second.said).mean():.1%}"
        return text + "."
