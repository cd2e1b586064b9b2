"""Shared by tests of the demo: an instant classifier, made-up beats, a person's actions."""

import numpy as np
import pandas as pd

from ecglib.apps.demo.page import ClassifierDemo
from ecglib.apps.demo.state.recording import Strip
from ecglib.apps.demo.state.session import OWN
from ecglib.beats.beats import Beats
from ecglib.beats.find import known_beats
from ecglib.labels import CLASSES
from ecglib.models.recordings import ClassifiedRecording
from ecglib.recordings.recording import Ecg

# Predicted classes of ten beats, their confidence, and true classes: 1, 4 and 8 are wrong.
PREDICTED = "NNNVVSFQNV"
CONFIDENCE = np.array([0.99, 0.55, 0.90, 0.97, 0.45, 0.70, 0.65, 1.00, 0.50, 0.80])
TRUE = "NSNVFSFQVV"


class FakeClassifier:
    """Predicts by a beat's first sample, which holds its number, from 0 to 9."""

    threshold = 0.6

    def __init__(self, name: str = "fake", predicted: str = PREDICTED):
        self.card = {"name": name, "trained_on": {"protocol": "kaggle", "synthetic": False}}
        self._predicted = np.array([CLASSES.index(c) for c in predicted])

    def predict_proba(self, signal, rhythm=None):
        number = np.rint(np.atleast_2d(signal)[:, 0] * 10).astype(int)
        proba = np.repeat(((1 - CONFIDENCE) / 4)[number][:, None], 5, axis=1)
        proba[range(len(number)), self._predicted[number]] = CONFIDENCE[number]
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


def strip_of(signal: np.ndarray, peaks: np.ndarray) -> Strip:
    """A lead at 360 Hz and its beats, all of them normal."""
    ecg = Ecg("flat", 360.0, ("MLII",), ("mV",), len(signal), lambda a, b, lead: signal[a:b])
    table = pd.DataFrame({"sample": peaks, "time_s": peaks / 360, "quality": "ok"})
    recording = ClassifiedRecording(table, known_beats(ecg, (0,), peaks))
    return Strip(recording, np.zeros(len(peaks), dtype=int))


def upload(demo: ClassifierDemo, content: bytes | dict[str, bytes], name: str = "mine.csv") -> None:
    """Upload files, as the page does."""
    files = content if isinstance(content, dict) else {name: content}
    transfer(demo, list(files), list(files.values()))
    demo.wait()


def transfer(demo: ClassifierDemo, names: list[str], contents: list[bytes]) -> None:
    """Send files in pieces, as the page does; several may have one name."""
    demo.view.pages.selected_index = OWN
    send = demo.view.own.files._receive
    send(None, {"kind": "begin", "transfer": "a", "names": names}, [])
    for index, data in enumerate(contents):
        for start in range(0, len(data), 1 << 20):
            piece = memoryview(data[start : start + (1 << 20)])
            send(None, {"kind": "piece", "transfer": "a", "index": index}, [piece])
    send(None, {"kind": "end", "transfer": "a", "size": sum(map(len, contents))}, [])


def classify(demo: ClassifierDemo, content: bytes | dict[str, bytes]) -> None:
    upload(demo, content)
    demo.view.own.classify.click()
    demo.wait()


def csv(beats: Beats, labels: bool = True) -> bytes:
    rows = np.column_stack([beats.signal, beats.label]) if labels else beats.signal
    return "\n".join(",".join(f"{value:.6f}" for value in row) for row in rows).encode()
