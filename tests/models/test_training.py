"""The training loop on a tiny network: it learns, repeats itself, stops, resumes and complains."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from ecglib.datasets.splits import split_beats
from ecglib.metrics.tables import summary
from ecglib.models import training
from ecglib.models.distillation import ask_teachers
from ecglib.models.network import CNNLSTM, predict_logits
from ecglib.models.recipes import RECIPES, Recipe, class_weights, focal_loss, one_cycle
from ecglib.models.sampling import draw
from ecglib.models.training import fit, validate
from tiny_training import QUICK, TINY, bumps, train


@pytest.fixture(scope="module")
def beats():
    return bumps()


def same_weights(one, other):
    others = other.state_dict()
    return all(torch.equal(tensor, others[name]) for name, tensor in one.state_dict().items())


@pytest.mark.parametrize("name", RECIPES)
def test_both_recipes_learn(beats, name):
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
def test_what_was_validated_is_what_is_returned(beats, precision):
    split = split_beats(beats, "random")
    model = CNNLSTM(TINY)
    recipe = replace(QUICK, epochs=8, learning_rate=0.01)
    history = fit(model, beats, split, recipe, precision=precision, report=lambda _: None)
    best = history[history.kept].iloc[0]
    validation = beats[split.validation]
    logits = predict_logits(model, validation.signal)
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(validation.label))
    tolerance = 1e-6 if precision == "no" else 0.02
    assert float(loss) == pytest.approx(best.validation_loss, rel=tolerance)


def test_interrupted_training_ends_like_an_uninterrupted_one(beats, tmp_path):
    whole, _, _ = train(beats)

    class InterruptionError(Exception):
        pass

    def stop_after_two(line):
        if line.startswith("epoch  2"):
            raise InterruptionError

    checkpoint = tmp_path / "tiny.pt"
    with pytest.raises(InterruptionError):
        train(beats, checkpoint=checkpoint, report=stop_after_two)
    resumed, history, lines = train(beats, checkpoint=checkpoint)
    assert "Going on after epoch 2" in lines[0]
    assert len(history) == 3
    assert same_weights(whole, resumed)
    again, _, lines = train(beats, checkpoint=checkpoint)  # finished: nothing is left to do
    assert len(lines) == 1
    assert same_weights(whole, again)


def test_checkpoint_of_another_training_is_not_resumed(beats, tmp_path):
    checkpoint = tmp_path / "tiny.pt"
    train(beats, checkpoint=checkpoint)
    _, _, lines = train(beats, seed=5, checkpoint=checkpoint)
    assert lines[0].startswith("epoch  1")


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
    assert len(history) - 1 - best >= 2


def test_one_cycle_comes_to_rest(beats):
    hopeless = replace(QUICK, epochs=5, patience=1, learning_rate=1e-9, one_cycle=True)
    assert len(train(beats, hopeless)[1]) == 5


@pytest.mark.parametrize("change", ["label", "rhythm", "validation", "precision"])
def test_a_checkpoint_of_another_training_is_not_gone_on_from(beats, change, tmp_path):
    recipe, path, split = replace(QUICK, epochs=1), tmp_path / "c.pt", split_beats(beats, "random")
    fit(CNNLSTM(TINY), beats, split, recipe, checkpoint=path, precision="no", report=str)
    told, precision = [], "bf16" if change == "precision" else "no"
    if change == "label":
        beats = replace(beats, label=beats.label[::-1].copy())
    elif change == "rhythm":
        beats = replace(beats, rhythm=beats.rhythm + 1)
    elif change == "validation":
        split = replace(split, validation=split.validation[1:])
    work = (CNNLSTM(TINY), beats, split, recipe)
    fit(*work, checkpoint=path, precision=precision, report=told.append)
    assert not any("Going on" in line for line in told)


def test_validation_counts_the_classes_that_have_beats(beats, monkeypatch):
    """As every other score here does: one stray call of a class without beats is one error."""
    some = beats[beats.label < 3]
    said = np.eye(5)[np.append(4, some.label[1:])]
    monkeypatch.setattr(training, "predict_logits", lambda *_: torch.from_numpy(said))
    row = validate(None, some, some.rhythm, Accelerator(cpu=True))
    assert row["validation_macro_f1"] == pytest.approx(summary(some.label, said)["macro_f1"])
    assert row["validation_macro_f1"] > 0.9


def test_sides_must_hold_beats(beats):
    split = split_beats(beats, "random")
    with pytest.raises(ValueError, match="at least one beat"):
        fit(CNNLSTM(TINY), beats, replace(split, validation=split.validation[:0]), QUICK)


def test_loss_that_explodes_is_named(beats):
    broken = replace(beats, signal=np.full_like(beats.signal, np.nan))
    with pytest.raises(ValueError, match="not a number"):
        train(broken)


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


def test_focal_loss_limits():
    logits, label = torch.randn(20, 5), torch.randint(0, 5, (20,))
    plain = torch.nn.functional.cross_entropy(logits, label, reduction="none")
    assert torch.allclose(focal_loss(logits, label, 0.0, torch.ones(5)), plain)
    assert (focal_loss(logits, label, 2.5, torch.ones(5)) < plain).all()
    sure = torch.tensor([[20.0, 0, 0, 0, 0]])
    assert focal_loss(sure, torch.tensor([0]), 2.5, torch.ones(5)).item() == pytest.approx(
        0, abs=1e-6
    )


def test_class_weights():
    label = torch.tensor([0] * 1000 + [3] * 10)
    weight = class_weights(label, 0.45)
    assert (weight[3] / weight[0]).item() == pytest.approx(100**0.45, rel=1e-4)
    assert weight[[1, 2, 4]].sum() == 0
    assert weight.sum().item() == pytest.approx(2)


def test_one_cycle():
    assert one_cycle(0.0) == pytest.approx(0.04)
    assert one_cycle(0.25) == pytest.approx(1.0)
    assert one_cycle(1.0) < 1e-3
    assert all(math.isfinite(one_cycle(x)) for x in np.linspace(0, 1, 50))


def test_training_stops_where_it_is_told_to(beats):
    recipe = replace(QUICK, epochs=25, patience=25, learning_rate=0.01, stop_at=(0.3, 0.2))
    _, history, _ = train(beats, recipe)
    last = history.iloc[-1]
    assert len(history) < 25 and last.kept
    assert last.validation_accuracy >= 0.3 and last.validation_macro_f1 >= 0.2
    earlier = history.iloc[:-1]
    assert ((earlier.validation_accuracy < 0.3) | (earlier.validation_macro_f1 < 0.2)).all()


def test_a_student_learns_what_its_teachers_say(beats):
    """Labels and opinions that contradict each other: the share decides whom to believe."""
    split = split_beats(beats, "random")
    opinion = np.eye(5, dtype=np.float32)[(beats.label[split.train] + 1) % 5]
    agreement = {}
    for share in (0.0, 1.0):
        torch.manual_seed(0)
        model = CNNLSTM(TINY)
        recipe = replace(QUICK, epochs=12, learning_rate=0.01, teacher_share=share)
        fit(model, beats, split, recipe, report=lambda _: None, precision="no", taught=opinion)
        said = predict_logits(model, beats.signal[split.train]).argmax(dim=1).numpy()
        agreement[share] = (said == opinion.argmax(axis=1)).mean()
    assert agreement[0.0] < 0.3 and agreement[1.0] > 0.5


def test_teachers_judge_what_they_have_not_seen_and_go_on_after_a_break(beats, tmp_path):
    split = split_beats(beats, "random")
    lines = []
    ask = partial(ask_teachers, TINY, beats, split, QUICK, 2, 0, tmp_path, "no", lines.append)
    proba, cost = ask()
    assert proba.shape == (len(split.train), 5)
    assert np.allclose(proba.sum(axis=1), 1, atol=1e-5)
    asked = len(lines)
    (tmp_path / next(p.name for p in tmp_path.glob("*2-of-2.npz"))).unlink()
    again, cost_again = ask()  # only the second teacher, from its checkpoint
    assert np.array_equal(again, proba) and cost_again == pytest.approx(cost)
    assert len(lines) - asked == 2
