"""From the raw recording to the class: what own R peaks cost against the annotators' beats.

    python benchmarks/end_to_end.py

All 48 recordings are classified by `classify_recording`, as anybody's would be. The published test
beats are scored. A beat that is not found within 150 ms, or is unreadable, is missed; a detection
without a beat counts against the class it is given, if the nearest annotated beat is a test beat.
The result goes to ``benchmarks/results/end_to_end.csv``, next to the same network on the annotated
beats.
"""

import argparse

import numpy as np
import pandas as pd

from ecglib import Beats, Classifier, load_beats, split_beats
from ecglib.evaluation.results import keep_benchmark
from ecglib.labels import CLASSES, MITDB_RECORDS
from ecglib.recordings.rpeaks import match_peaks
from ecglib.recordings.wfdb import read_recording

TEST, TRAINING = "test", "train"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=None, help="a model file; by default the shipped one")
    parser.add_argument("--side", choices=[TEST, TRAINING], default=TEST, help="train: for tuning")
    asked = parser.parse_args()

    beats = load_beats()
    split = split_beats(beats, "kaggle")
    if beats.synthetic:
        raise SystemExit("Figures worth keeping need the real recordings.")
    side = np.sort(getattr(split, asked.side))  # in time order, as the marks of each record
    classifier = Classifier.load(asked.model)
    rhythm = beats.rhythm[side]
    said = classifier.predict_proba(beats.signal[side], rhythm).argmax(axis=1)
    rows = [{"beats": "annotated"} | scores(beats.label[side], said, np.zeros(0, int))]
    rows.append({"beats": "detected"} | end_to_end(classifier, beats[side]))
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format="{:.4f}".format))
    if asked.side == TEST and asked.model is None:
        keep_benchmark("end_to_end", table)


def end_to_end(classifier: Classifier, beats: Beats) -> dict:
    """Scores of the beats of a split where the library has to find them."""
    truth, said, extra = [], [], []
    missed = silent = 0
    for name in MITDB_RECORDS:
        recording = read_recording(beats.folder / name, leads=[0])
        marks, _ = recording.beats()
        table = classifier.classify_recording(beats.folder / name)
        mine = beats[beats.record == name]
        judged = np.isin(marks, mine.sample)
        label = np.full(len(marks), -1)
        label[judged] = mine.label
        code = table["label"].map({c: k for k, c in enumerate(CLASSES)}).fillna(-1).astype(int)
        mark, found = match_peaks(marks, table["sample"].to_numpy())
        answer = np.full(len(marks), -2)
        answer[mark] = code.to_numpy()[found]
        truth.append(label[judged])
        said.append(answer[judged])
        missed += int((answer[judged] == -2).sum())
        silent += int((answer[judged] == -1).sum())
        lone = np.setdiff1d(np.arange(len(table)), found)
        nearest = np.abs(table["sample"].to_numpy()[lone, None] - marks).argmin(axis=1)
        extra.append(code.to_numpy()[lone][judged[nearest]])
    row = scores(np.concatenate(truth), np.concatenate(said), np.concatenate(extra))
    return row | {"not_found": missed, "no_verdict": silent}


def scores(truth: np.ndarray, said: np.ndarray, extra: np.ndarray) -> dict:
    """Macro F1 and F1 of each class; answers below 0 are no answers."""
    row = {}
    for k, name in enumerate(CLASSES):
        hit = np.sum((truth == k) & (said == k))
        row[f"f1_{name}"] = 2 * hit / (np.sum(truth == k) + np.sum(said == k) + np.sum(extra == k))
    return (
        {"macro_f1": np.mean(list(row.values()))} | row | {"false_beats": int((extra >= 0).sum())}
    )


if __name__ == "__main__":
    main()
