"""The patient-wise model's choices, each judged by leaving records of DS1 out; DS2 isn't read.

    python benchmarks/patients_study.py                     what is missing, a CPU minute each
    python benchmarks/patients_study.py --only "as shipped"

Eleven folds of two records. One member for each model instead of five, to be quick.
``S_f1_spliced`` is the F1 of S on the recordings left out, spliced by
`ecglib.models.patientwise.training.splice`: half of their beats or more are premature. One line for
each choice in ``benchmarks/results/patients_study.csv``.
"""

import argparse
import time
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np
import pandas as pd

from ecglib.datasets.sources import locate
from ecglib.evaluation.external_validation import scores
from ecglib.evaluation.results import keep_benchmark, read_benchmark
from ecglib.labels import CLASSES, DS1
from ecglib.models.patientwise import classifier, training
from ecglib.models.patientwise.morphology import MORPHOLOGY
from ecglib.recordings.wfdb import read_recording

FOLDS = [DS1[k::11] for k in range(11)]
NOTHING_KNOWN = {"MORE_VENTRICULAR": {}, "EARLIER": {}}
P_AROUND = MORPHOLOGY.index("p_around")

# Each: settings of the module, and which leads are learnt from and judged by.
BOTH, FIRST = slice(None), slice(1)
VARIANTS = {
    "as shipped": ({}, BOTH, BOTH),
    "judged by the first lead": ({}, BOTH, FIRST),
    "first lead only": ({}, FIRST, FIRST),
    "no directions given": (NOTHING_KNOWN, BOTH, BOTH),
    "one pass": ({"PASSES": 1}, BOTH, BOTH),
    "three passes": ({"PASSES": 3}, BOTH, BOTH),
    "nothing spliced": ({"spliced": []}, BOTH, BOTH),
    "no P waves around": ({"hidden": P_AROUND}, BOTH, BOTH),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    asked = parser.parse_args()
    found = locate("auto", None)
    if found.source == "synthetic":
        raise SystemExit("Figures worth keeping need the real recordings.")
    recordings = {name: read_recording(found.folder / name) for name in DS1}
    whole = {n: training.described_beats(r) for n, r in recordings.items()}
    spliced = {n: training.splice(r) for n, r in recordings.items()}
    spliced = {n: training.described_beats(s) for n, s in spliced.items() if s}
    for name in asked.only:
        done = read_benchmark("patients_study")
        if done is not None and name in set(done.variant):
            continue
        row = {"variant": name} | study(*VARIANTS[name], whole, spliced)
        keep_benchmark("patients_study", pd.DataFrame([row]), ["variant"])
        print(row, flush=True)


def study(settings: dict, learnt: slice, judged: slice, whole: dict, spliced: dict) -> dict:
    """Scores of one variant over all folds."""
    settings = {"MEMBERS": 1} | settings
    hidden, no_splicing = settings.pop("hidden", None), settings.pop("spliced", None) == []
    start, beats, beats_spliced = time.process_time(), [], []
    with ExitStack() as stack:
        for name, value in settings.items():
            module = classifier if name == "PASSES" else training
            stack.enter_context(patch.object(module, name, value))
        for out in FOLDS:
            rest = [seen(d, learnt, hidden) for n, d in whole.items() if n not in out]
            more = [seen(d, learnt, hidden) for n, d in spliced.items() if n not in out]
            model = training.fit_described(rest, [] if no_splicing else more, seed=0)
            for part, into in ((whole, beats), (spliced, beats_spliced)):
                into += [predicted(model, *seen(part[n], judged, hidden)) for n in out if n in part]
    table = scores(pd.concat(beats), "NSV").set_index("class")
    row = {"accuracy": table.accuracy["all"], "macro_f1": table.f1["all"]}
    row |= {f"{c}_{key}": table.loc[c, key] for c in "SV" for key in ("sensitivity", "precision")}
    row |= {f"{c}_f1": table.f1[c] for c in "NSV"}
    row["S_f1_spliced"] = scores(pd.concat(beats_spliced), "S").f1[0]
    return row | {"cpu_seconds": time.process_time() - start}


def seen(described: tuple, leads: slice, hidden: int | None) -> tuple:
    """A described recording with some leads only, or with one shape feature blanked."""
    found, label = described
    shape = found["morphology"][leads].copy()
    if hidden is not None:
        shape[:, :, hidden] = 0.0
    return found | {"morphology": shape}, label


def predicted(model, found: dict, label: np.ndarray) -> pd.DataFrame:
    classes = np.array(CLASSES)
    return pd.DataFrame(
        {
            "true": classes[label],
            "predicted": classes[model.predict_described(found).argmax(axis=1)],
        }
    )


if __name__ == "__main__":
    main()
