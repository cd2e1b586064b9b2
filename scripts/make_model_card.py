"""Write ``models/README.md``, the model card of all models, from the cards in the model files.

    python scripts/make_model_card.py

Every number comes from the card inside a model file, from ``outputs/full/metrics/04_classes.csv``
or from ``benchmarks/results/seeds.csv``.
"""

import pandas as pd

from ecglib.evaluation.results import read_benchmark
from ecglib.labels import CLASSES
from ecglib.models.model_file import read_card
from ecglib.models.recipes import Recipe
from ecglib.paths import MODELS, Run, atomic_write

PURPOSE = {
    "compact": "the default: small and fast, reads one beat",
    "rhythm": "`compact` that also reads the RR intervals around the beat",
    "deep": "the published architecture, layer for layer, trained with our recipe",
    "ensemble": "five `rhythm` networks, averaged; also trained on the validation beats",
}
TEXT = """# Model card

Networks that classify a heartbeat as Normal, Supraventricular, Ventricular, Fusion or Unknown (AAMI
N S V F Q). Each is one safetensors file that holds its own card
(`ecglib.models.model_file.read_card(path)`). The `.onnx` file beside it is the same network for
ONNX Runtime; `deep` has none and runs in PyTorch. `python scripts/make_model_card.py` makes this
page from the cards.

**Education and research only. Not a medical device.**

{models}

## Data and split

{beats}. Beats of the MIT-BIH Arrhythmia Database 1.0.0 (Open Data Commons Attribution License 1.0),
cut and split exactly as the published Kaggle rows; 15 % of the training rows, stratified, are for
validation. The same patients are in all sets, so these figures hold for beats of *known* people.

## Results on the published test beats

{scores}

All choices were made on validation beats. (The test score of one variant that is not shipped, half
the cost in `benchmarks/study.py`, was seen as well; its cross-entropy on training beats that it had
not learned from ruled it out.) Once all choices were fixed, `ensemble` was trained on training and
validation beats; its threshold is that of `rhythm`. ECE is the expected calibration error.

Sensitivity / positive predictivity of each class, with the number of its test beats
(`outputs/full/metrics/04_classes.csv`, which also has the intervals):

{classes}

Mean ± standard deviation over seeds, from `benchmarks/seeds.py`. *Refitted* networks were also
trained on the validation beats, so they have no validation scores. Compare CPU seconds within one
precision only; the processor computed bf16 in hardware.

{seeds}

## Training

Most beats of a batch are changed a little (stretched, bent, scaled, noise), the learning
rate rises and falls once in twenty epochs, an epoch leaves out half of the beats that have become
easy, and a running average of the weights is kept. A temperature fitted on validation beats
calibrates the probabilities. No class is weighted. `ensemble` averages the probabilities of five
networks, which is slightly better than its members are on average. `benchmarks/study.py` changes
one thing at a time. The published recipe: `-p recipe reference -p architecture deep`.

{recipe}

## Input

A beat is 187 samples at 120 Hz, from its R peak, scaled to [0, 1] and zero-padded. `rhythm` and
`ensemble` also read six ratios of RR intervals (`ecglib.beats.rhythm`); without them, the beat
alone decides. Standardisation and temperature are in the file. A prediction below the threshold,
which was chosen on validation beats, is uncertain.

## Limits

{limits} Results on other people, other leads and other devices are far worse: see notebook 4.

## How to make them again

`make run` makes `compact`; `make full` makes all of them. `outputs/PROFILE/run.json` records the
code, the data and the settings. `patients.safetensors`, the model for new patients, holds boosted
trees instead of a network: `python benchmarks/patients.py` makes it, and the project's README has
its results.

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
    """One row a model: sensitivity and positive predictivity of each class."""
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
        test = card["metrics"]["test"]
        models.append(
            {
                "model": f"`{name}`",
                "what it is": PURPOSE[name],
                "parameters": f"{card['parameters']:,}",
                "training, CPU s": f"{card['training']['cpu_seconds']:,.0f}",
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
    recipe = {name: first["recipe"][name] for name in Recipe().to_dict()}
    beats = ", ".join(f"{n:,} {part}" for part, n in first["beats"].items())
    return TEXT.format(
        models=markdown(models),
        beats=beats[0].upper() + beats[1:],
        scores=markdown(scores),
        classes=markdown(class_rows([*cards])),
        seeds=markdown(seeds),
        recipe="As numbers, for `compact`: "
        + "; ".join(f"{name} {value}" for name, value in recipe.items())
        + ". `ecglib.models.recipes.Recipe` explains each.",
        limits=first.get("limits", ""),
    )


def main() -> None:
    with atomic_write(MODELS / "README.md") as path:
        path.write_text(card_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
