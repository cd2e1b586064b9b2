"""Write ``models/README.md``, the model card of all models, from what the models say themselves.

    python scripts/make_model_card.py

Every number comes from the card inside a model file, from ``outputs/full/metrics/04_classes.csv``
or from ``benchmarks/results/seeds.csv``.
"""

import pandas as pd

from ecglib.evaluation.results import read_benchmark
from ecglib.labels import CLASSES
from ecglib.models.model_file import read_card
from ecglib.paths import MODELS, Run, atomic_write

PURPOSE = {
    "compact": "the default: small, quick, one beat is all it needs",
    "rhythm": "`compact` that is told the RR intervals around the beat, too",
    "deep": "the published architecture, layer for layer, trained with our recipe",
    "best": "as `rhythm`, learnt from labels and from five cross-fitted teachers",
    "best_beat": "as `compact`, learnt from labels and from the same teachers, who know the rhythm",
    "ensemble": "five of `rhythm` that answer as one, refitted with the validation beats",
}
TEXT = """# Model card

Networks that class a heartbeat as Normal, Supraventricular, Ventricular, Fusion or Unknown (AAMI
N S V F Q). One safetensors file each, with its own card inside: `ecglib.models.model_file.read_card(path)`;
the `.onnx` file beside it is the same network for ONNX Runtime. This page is made by
`python scripts/make_model_card.py` from these cards.

**Education and research only. Not a medical device.**

{models}

## Data and split

{beats}. Beats of the MIT-BIH Arrhythmia Database 1.0.0 (Open Data Commons Attribution License 1.0),
cut and split exactly as the published Kaggle rows; 15 % of the training rows, stratified, are for
validation. The same patients are on all sides, so these figures hold for beats of *known* people.

## How good, on the published test beats

{scores}

Everything was chosen on validation beats. (The test score of one variant that is not shipped, half
the cost in `benchmarks/study.py`, was seen, too; it was set aside by its cross-entropy on training
beats that it had not learnt from.) Once everything had been chosen, `ensemble` learnt from the
validation beats, too; its threshold is that of `rhythm`. ECE is the expected calibration error.

Sensitivity / positive predictivity of each class, with the number of its test beats
(`outputs/full/metrics/04_classes.csv`, where the intervals are, too):

{classes}

Mean ± standard deviation over seeds, from `benchmarks/seeds.py`. *Refitted* networks learnt from
the validation beats, too, so they have no validation scores. Of CPU seconds, only those of one
precision compare: bf16 was computed by a processor that has it in hardware.

{seeds}

## How they are trained

Most beats of a batch are changed a little (stretched, bent, scaled, noise), the learning
rate rises and falls once in twenty epochs, an epoch leaves out half of the beats that have become
easy, and a running average of the weights is kept; a temperature fitted on validation beats makes
the probabilities mean what they say. No class is weighted. The students learn from labels and from
five networks with rhythm, each of which judged the training beats that it had not seen; what they
gain on validation beats nearly vanishes on test beats, which are harder for every method.
`ensemble` says what five networks say on average: a little better than one of them is on average.
`benchmarks/study.py` changes one thing of this at a time; the published recipe is there, too: `-p
recipe reference -p architecture deep`.

{recipe}

## Input

A beat is 187 samples at 120 Hz, from its R peak, scaled to [0, 1] and zero-padded. `rhythm`, `best`
and `ensemble` also read six ratios of RR intervals (`ecglib.beats.rhythm`), and judge by the beat alone
where there are none. Standardisation and temperature travel inside the file; below the threshold,
chosen on validation beats, a verdict is called uncertain.

## Limits

{limits} Results on other people, other leads and other devices are far worse: see notebook 4.

## How to make them again

`make run` makes `compact`; `make full` makes all of them. `outputs/PROFILE/run.json` says with
what. `patients.safetensors`, the model for new patients, holds boosted trees and no network:
`python benchmarks/patients.py` makes it, and the project's README says how good it is.

## Licence

MIT, as the code. The models are made from the MIT-BIH Arrhythmia Database, under the Open Data
Commons Attribution License 1.0: name it where you pass them on.
"""


def markdown(rows: list[dict]) -> str:
    """A table in Markdown."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([str(row[n]) for n in names] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percent(score: float) -> str:
    return f"{100 * score:.2f}"


def spread(values: pd.Series) -> str:
    return "" if values.isna().any() else f"{100 * values.mean():.2f} ± {100 * values.std():.2f}"


def class_rows(models: list[str]) -> list[dict]:
    """One row a model: what it finds of each class, and what its calls are worth."""
    table = pd.read_csv(Run("outputs/full").metrics / "04_classes.csv")
    table = table[table["set"] == "test"].set_index(["model", "class"])
    return [
        {"model": f"`{name}`"}
        | {
            f"{row.Index[1]} ({row.support:,})": f"{row.sensitivity:.1%} / {row.precision:.1%}"
            for row in table.loc[[(name, letter) for letter in CLASSES]].itertuples()
        }
        for name in models
    ]


def card_page() -> str:
    """The whole page."""
    order = [*PURPOSE]
    found = [MODELS / f"{name}.safetensors" for name in order]
    cards = {path.stem: read_card(path) for path in found if path.is_file()}
    models, scores = [], []
    for name, card in cards.items():
        training, test = card["training"], card["metrics"]["test"]
        models.append(
            {
                "model": f"`{name}`",
                "what it is": PURPOSE[name],
                "parameters": f"{card['parameters']:,}",
                "training, CPU s": f"{training['cpu_seconds']:,.0f}",
                "its teachers', CPU s": f"{training.get('teachers_cpu_seconds', 0):,.0f}",
            }
        )
        scores.append(
            {
                "model": f"`{name}`",
                "accuracy": percent(test["accuracy"]),
                "macro F1": percent(test["macro_f1"]),
                "ECE": percent(test["ece"]),
                "uncertain below": f"{card['threshold']:.2f}",
            }
        )
    seeds = [
        {
            "model": f"`{name}`",
            "recipe": recipe,
            "seeds": len(own),
            "accuracy": spread(own.test_accuracy),
            "macro F1": spread(own.test_macro_f1),
            "validation accuracy": spread(own.validation_accuracy),
            "validation macro F1": spread(own.validation_macro_f1),
            "CPU s": f"{own.cpu_seconds.mean():.0f}",
            "computed in": " and ".join(own.precision.replace("no", "float32").unique()),
        }
        for (name, recipe), own in read_benchmark("seeds").groupby(["architecture", "recipe"])
    ]
    first = next(iter(cards.values()))
    recipe = {
        name: value for name, value in first["recipe"].items() if name not in ("stop_at", "name")
    }
    beats = ", ".join(f"{n:,} {part}" for part, n in first["beats"].items())
    return TEXT.format(
        models=markdown(models),
        beats=beats[0].upper() + beats[1:],
        scores=markdown(scores),
        classes=markdown(class_rows([*cards])),
        seeds=markdown(seeds),
        recipe="As numbers, for `compact`: "
        + "; ".join(f"{name} {value}" for name, value in recipe.items())
        + ". What each means: `ecglib.models.recipes.Recipe`. The students learn longer, and `best` "
        "sees more beats without their rhythm: `ecglib.models.recipes.RECIPES['student']`.",
        limits=first.get("limits", ""),
    )


def main() -> None:
    with atomic_write(MODELS / "README.md") as path:
        path.write_text(card_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
