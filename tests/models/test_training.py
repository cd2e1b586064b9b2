"""The training loop on a tiny network: it learns, repeats itself, stops, resumes and complains."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ecglib.datasets.splits import split_beats
from ecglib.metrics.tables import summary
from ecglib.models.network import predict_logits
from ecglib.models.recipes import RECIPES, Recipe
from ecglib.models.training import draw, pick_precision, validation_scores
from tiny_training import QUICK, bumps, train


@pytest.fixture(scope="module")
def beats():
    return bumps()


def same_weights(one, other):
    others = other.state_dict()
    return all(torch.equal(tensor, others[name]) for name, tensor in one.state_dict().items())


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_learns(beats, name):
    decay = 0.5 if name == "fast" else 0.0
    recipe = replace(RECIPES[name], epochs=25, batch_size=32, learning_rate=0.01, averaging=decay)
    _, history, lines = train(beats, recipe)
    assert history.validation_macro_f1.max() > 0.6
    assert history.train_loss.iloc[-1] < history.train_loss.iloc[0]
    assert len(lines) == len(history)


def test_equal_seeds_agree_and_others_differ(beats):
    one, history, _ = train(beats, seed=1)
    again, history_again, _ = train(beats, seed=1)
    other, _, _ = train(beats, seed=2)
    assert same_weights(one, again)
    assert history.drop(columns="cpu_seconds").equals(history_again.drop(columns="cpu_seconds"))
    assert not same_weights(one, other)


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_the_validated_network_is_returned(beats, precision):
    split = split_beats(beats, "random")
    recipe = replace(QUICK, epochs=8, learning_rate=0.01)
    model, history, _ = train(beats, recipe, precision=precision)
    best = history[history.kept].iloc[0]
    validation = beats[split.validation]
    logits = predict_logits(model, validation.signal)
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(validation.label))
    tolerance = 1e-6 if precision == "no" else 0.02
    assert float(loss) == pytest.approx(best.validation_loss, rel=tolerance)


def test_interrupted_training_ends_like_an_uninterrupted_one(beats, tmp_path):
    whole, _, _ = train(beats)

    def stop_after_two(line):
        if line.startswith("epoch  2"):
            raise InterruptedError

    checkpoint = tmp_path / "tiny.pt"
    with pytest.raises(InterruptedError):
        train(beats, checkpoint=checkpoint, report=stop_after_two)
    resumed, history, lines = train(beats, checkpoint=checkpoint)
    assert "Going on after epoch 2" in lines[0]
    assert len(history) == 3
    assert same_weights(whole, resumed)
    again, _, lines = train(beats, checkpoint=checkpoint)  # finished: nothing is left to do
    assert len(lines) == 1
    assert same_weights(whole, again)


@pytest.mark.parametrize("change", ["seed", "recipe", "label", "rr", "validation", "precision"])
def test_a_checkpoint_of_another_training_is_not_resumed(beats, change, tmp_path):
    recipe, split = replace(QUICK, epochs=1), split_beats(beats, "random")
    options = {"split": split, "checkpoint": tmp_path / "c.pt"}
    train(beats, recipe, **options)
    if change == "seed":
        options["seed"] = 5
    elif change == "recipe":
        recipe = replace(recipe, weight_decay=0.5)
    elif change == "label":
        beats = replace(beats, label=beats.label[::-1].copy())
    elif change == "rr":
        beats = replace(beats, rhythm=beats.rhythm + 1)
    elif change == "validation":
        options["split"] = replace(split, validation=split.validation[1:])
    else:
        options["precision"] = "bf16"
    _, _, lines = train(beats, recipe, **options)
    assert [line[:8] for line in lines] == ["epoch  1"]


def test_damaged_checkpoint_starts_again(beats, tmp_path, capsys):
    checkpoint = tmp_path / "tiny.pt"
    train(beats, checkpoint=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    _, history, lines = train(beats, checkpoint=checkpoint)
    assert lines[0].startswith("epoch  1") and len(history) == 3
    assert "damaged" in capsys.readouterr().out


def test_early_stopping_and_best_weights(beats):
    hopeless = replace(
        QUICK, epochs=30, patience=2, learning_rate=1e-9, averaging=0.0, one_cycle=False
    )
    _, history, _ = train(beats, hopeless)
    assert len(history) < 30
    best = history.validation_macro_f1.idxmax()
    assert len(history) - 1 - best >= 2 and history.kept[best]
    assert len(train(beats, replace(hopeless, epochs=5, one_cycle=True))[1]) == 5


def test_validation_counts_the_classes_that_have_beats(beats):
    """As every other score here: one stray prediction of a class without beats is one error."""
    label = beats.label[beats.label < 3]
    proba = np.eye(5)[np.append(4, label[1:])]
    scores = validation_scores(torch.from_numpy(proba), label)
    assert scores["validation_macro_f1"] == pytest.approx(summary(label, proba)["macro_f1"])
    assert scores["validation_macro_f1"] > 0.9


def test_impossible_trainings_are_refused(beats):
    split = split_beats(beats, "random")
    with pytest.raises(ValueError, match="at least one beat"):
        train(beats, split=replace(split, validation=split.validation[:0]))
    with pytest.raises(ValueError, match="auto, no, bf16"):
        train(beats, precision="fp8")
    assert pick_precision() in ("no", "bf16")
    with pytest.raises(ValueError, match="not a number"):
        train(replace(beats, signal=np.full_like(beats.signal, np.nan)))


def test_draw_skips_easy_beats_and_weighs_the_rest():
    label = torch.zeros(10_000, dtype=torch.long)
    loss = torch.cat([torch.full((8000,), 0.1), torch.full((2000,), 3.0)])
    recipe = replace(RECIPES["fast"], skip_easy=0.6)
    order, importance = draw(label, loss, recipe, epoch=3, seed=0)
    assert (order >= 8000).sum() == 2000  # every hard beat is visited
    assert importance[order].sum() == pytest.approx(10_000, rel=0.03)  # and the sum stays
    first, ones = draw(label, torch.full((10_000,), torch.nan), recipe, epoch=0, seed=0)
    assert len(first) == 10_000 and (ones == 1).all()
    last, _ = draw(label, loss, recipe, epoch=recipe.epochs - 1, seed=0)
    assert len(last) == 10_000


def test_weighted_sampling_draws_classes_alike():
    label = torch.tensor([0] * 900 + [1] * 100)
    order, _ = draw(label, torch.full((1000,), torch.nan), Recipe(weighted_sampling=True), 0, 0)
    assert 400 < int((label[order] == 1).sum()) < 600
