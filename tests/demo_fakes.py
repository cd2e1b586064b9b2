"""A classifier that answers at once, and ten beats for it: what the tests of the demo share."""

import numpy as np

from ecglib.beats import Beats
from ecglib.labels import CLASSES

# What the fake classifier says of ten beats, most probable class first ...
SAID = "NNNVVSFQNV"
CONFIDENCE = np.array([0.99, 0.55, 0.90, 0.97, 0.45, 0.70, 0.65, 1.00, 0.50, 0.80])
# ... and what they are: beats 1, 4 and 8 are classified wrongly.
TRUE = "NSNVFSFQVV"


class FakeClassifier:
    """Answers by a beat's first sample, which holds its number; says nothing of more than ten."""

    threshold = 0.6

    def __init__(self, name: str = "fake", said: str = SAID):
        self.card = {"name": name, "trained_on": {"protocol": "kaggle", "synthetic": False}}
        self._said = said

    def predict_proba(self, signal, rhythm=None):
        number = np.rint(np.atleast_2d(signal)[:, 0] * 10).astype(int)
        proba = np.repeat(((1 - CONFIDENCE) / 4)[number][:, None], 5, axis=1)
        proba[range(len(number)), [CLASSES.index(self._said[n]) for n in number]] = CONFIDENCE[
            number
        ]
        return proba

    def attention(self, signal):
        return np.full((1, 187), 1 / 187)


def ten_beats() -> Beats:
    """Beats whose first sample tells the fake classifier their number."""
    signal = np.zeros((10, 187), dtype=np.float32)
    signal[:, :120] = 0.5
    signal[:, 0] = np.arange(10) / 10
    return Beats(
        signal=signal,
        label=np.array([CLASSES.index(c) for c in TRUE]),
        record=np.array(["100"] * 5 + ["208"] * 5),
        sample=np.arange(10) * 36_000 + 360,
        rr_before=np.full(10, np.nan, np.float32),
        rr_after=np.full(10, np.nan, np.float32),
    )
