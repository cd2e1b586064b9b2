"""The patient-wise model: trained on DS1, judged on DS2 by five seeds, and shipped.

    python benchmarks/patients.py              writes models/patients.safetensors, too
    python benchmarks/patients.py --seeds 0    one seed, shown and not kept

The rows "both leads, causal" judge each beat by those before it and the next one alone. That takes
a quarter of an hour of one processor (7 ms a beat for the features, 2 ms a seed for the answers).

Everything about the model was chosen inside DS1 (`benchmarks/patients_study.py`); DS2 is only
scored here. Writes ``patients_seeds.csv`` (one line for each seed and choice of records),
``patients_records.csv`` and ``patients_confusion.csv`` (seed 0), and ``patients.csv``, the means
that notebook 4 shows beside the networks, to ``benchmarks/results``.
"""

import argparse

import numpy as np
import pandas as pd

from ecglib.datasets.sources import locate
from ecglib.evaluation.external_validation import confusion, scores
from ecglib.evaluation.model_cards import patientwise_card
from ecglib.evaluation.results import keep_benchmark
from ecglib.labels import CLASSES, DS1, DS2
from ecglib.metrics.ec57 import ec57_scores
from ecglib.models.patientwise.classifier import NAME, predict_causal_by_all
from ecglib.models.patientwise.training import (
    described_beats,
    fit_described,
    splice,
)
from ecglib.paths import MODELS
from ecglib.recordings.wfdb import read_recording

CHOICES = {"all": (), "without 232": ("232",), "without 202": ("202",)}
BOOTSTRAPS = 1000
SEEDS = [0, 1, 2, 3, 4]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    asked = parser.parse_args()

    found = locate("auto", None)
    if found.source == "synthetic":
        raise SystemExit("Figures worth keeping need the real recordings.")
    training = [read_recording(found.folder / name) for name in DS1]
    described = [described_beats(recording) for recording in training]
    spliced = [described_beats(s) for r in training if (s := splice(r)) is not None]
    recordings = {name: read_recording(found.folder / name) for name in DS2}
    tests = {name: described_beats(recording) for name, recording in recordings.items()}

    models = {seed: fit_described(described, spliced, seed) for seed in asked.seeds}
    causal = {
        name: predict_causal_by_all([*models.values()], r.signal, r.fs, r.beats()[0])
        for name, r in recordings.items()
    }

    rows = []
    for number, (seed, model) in enumerate(models.items()):
        judged = {}
        for leads, part in {"both leads": slice(None), "first lead": slice(1)}.items():
            judged[leads] = {
                name: model.predict_described(beats | {"morphology": beats["morphology"][part]})
                for name, (beats, _) in tests.items()
            }
        judged["both leads, causal"] = {name: proba[number] for name, proba in causal.items()}
        for leads, proba in judged.items():
            beats = pd.concat([called(n, label, proba[n]) for n, (_, label) in tests.items()])
            for choice, without in CHOICES.items():
                kept = beats[~beats.record.isin(without)]
                table = scores(kept, "NSV")
                row = {"leads": leads, "seed": seed, "records": choice}
                rows.append(row | flat(table) | intervals(kept, seed))
            if seed == asked.seeds[0] and leads == "both leads":
                shipped, shipped_beats = model, beats

    print(pd.DataFrame(rows).groupby(["leads", "records"]).mean(numeric_only=True).T.to_string())
    if asked.seeds != SEEDS:
        return
    keep_benchmark("patients_seeds", pd.DataFrame(rows))
    keep_benchmark("patients", for_the_ladder(pd.DataFrame(rows)))
    records = [scores(own, "NSV").assign(record=n) for n, own in shipped_beats.groupby("record")]
    keep_benchmark("patients_records", pd.concat(records))
    matrix = confusion(shipped_beats)
    keep_benchmark("patients_confusion", matrix.reset_index())
    trained_on = {"source": found.source, "synthetic": False, "protocol": "patients"}
    learnt = sum(len(label) for _, label in described)
    training = {"seed": asked.seeds[0]}
    shipped.card = patientwise_card(matrix.to_numpy(), trained_on, learnt, training)
    shipped.save(MODELS / f"{NAME}.safetensors")


def called(name: str, label: np.ndarray, proba: np.ndarray) -> pd.DataFrame:
    """True and predicted class of every beat of a recording."""
    classes = np.array(CLASSES)
    return pd.DataFrame(
        {"record": name, "true": classes[label], "predicted": classes[proba.argmax(axis=1)]}
    )


def flat(table: pd.DataFrame) -> dict[str, float]:
    """A table of scores as one row."""
    own = table.set_index("class")
    row = {"accuracy": own.accuracy["all"], "macro_f1": own.f1["all"]}
    for name in "NSV":
        row |= {f"{name}_{key}": own.loc[name, key] for key in ("sensitivity", "precision", "f1")}
    return {key: float(value) for key, value in row.items()}


def intervals(beats: pd.DataFrame, seed: int) -> dict[str, float]:
    """95 % intervals by drawing records, not beats: beats of one patient are alike."""
    rng = np.random.default_rng(seed)
    own = np.stack([confusion(part).to_numpy() for _, part in beats.groupby("record")])
    drawn = own[rng.integers(0, len(own), (BOOTSTRAPS, len(own)))].sum(axis=1)
    found = ec57_scores(drawn)
    found |= {"S_f1": found["f1"][:, 1], "V_f1": found["f1"][:, 2]}
    ends = {}
    for name in ("accuracy", "macro_f1", "S_f1", "V_f1"):
        low, high = np.quantile(found[name], [0.025, 0.975])
        ends |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    return ends


def for_the_ladder(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over the seeds on all records, in the columns of `ecglib.metrics.ec57.headline`."""
    means = rows[rows.records == "all"].groupby("leads").mean(numeric_only=True).reset_index()
    table = pd.DataFrame({"model": "patient-wise, " + means.leads})
    table["seeds"] = rows.groupby("leads").seed.nunique().to_numpy()
    for score in ("accuracy", "macro_f1"):
        table[score] = means[score]
        for end in ("low", "high"):
            table[f"{score}_records_{end}"] = means[f"{score}_{end}"]
    for letter in "NSV":
        table[f"f1_{letter}"] = means[f"{letter}_f1"]
    return table


if __name__ == "__main__":
    main()
