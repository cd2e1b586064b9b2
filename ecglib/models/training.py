"""The training loop on one page: draw, augment, loss, step, average, validate, checkpoint.

Every epoch draws from a seed of its own, so a training that was killed and goes on from its last
checkpoint ends with the same weights as one that was never interrupted.
"""

import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel

from ecglib.beats.beats import Beats
from ecglib.datasets.splits import Split
from ecglib.metrics.scores import confusion_matrix, overall_scores
from ecglib.models.augment import augment, augmented_copies
from ecglib.models.model_file import checksum, load_checkpoint, save_checkpoint
from ecglib.models.network import CNNLSTM, predict_logits
from ecglib.models.recipes import Recipe, class_weights, focal_loss, one_cycle

FINISH = 0.85  # after this share of the epochs, no beat is skipped


def fit(
    model: CNNLSTM,
    beats: Beats,
    split: Split,
    recipe: Recipe,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    precision: str = "auto",
    report=print,
    device: str = "auto",
) -> pd.DataFrame:
    """Train a network on the training beats and validate it on the validation beats.

    Parameters
    ----------
    model : CNNLSTM
        Trained in place. It ends with the weights of its best epoch or, after one cycle of the
        learning rate, with the last ones: there the rate has come to rest, and the best of many
        epochs would only be the luckiest.
    beats : Beats
    split : Split
        Only ``train`` and ``validation`` are used.
    recipe : Recipe
    seed : int
    checkpoint : Path, optional
        File for the state after every epoch. If it exists and belongs to this very training,
        training goes on from it. The caller removes it.
    precision : {"auto", "no", "bf16"}
    report : callable
        Gets one line of text an epoch.
    device : {"auto", "cpu"}
        ``auto`` takes a graphics card if there is one.

    Returns
    -------
    DataFrame
        One row an epoch: ``epoch``, ``train_loss``, ``validation_loss``, ``validation_accuracy``,
        ``validation_macro_f1``, ``learning_rate``, ``beats_seen``, ``cpu_seconds`` (so far),
        ``kept`` (whether the network ends with this epoch's weights).

    Raises
    ------
    ValueError
        There are no training or no validation beats, the precision is unknown, or the loss is no
        longer a number.
    """
    if not len(split.train) or not len(split.validation):
        raise ValueError("Training needs at least one beat for training and one for validation.")
    precision, device = pick_precision(precision, device), _pick_device(device)
    mixed = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
    torch.manual_seed(seed)
    watched = beats[split.validation]
    arrays = (beats.signal, beats.rhythm, beats.label)
    signal, rhythm, label = (torch.from_numpy(array[split.train]) for array in arrays)
    model.fit_standardisation(signal, rhythm)
    signal, rhythm, label = augmented_copies(signal, rhythm, label, recipe.copies)
    weight = class_weights(label, recipe.class_weight_power).to(device)
    optimizer = torch.optim.AdamW(
        model.to(device).parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    plateau = ReduceLROnPlateau(optimizer, mode="max", patience=5, factor=0.5)
    averaged = AveragedModel(model, multi_avg_fn=_averaging(recipe.averaging), use_buffers=True)
    last_loss = torch.full((len(label),), torch.nan)  # of every training beat
    history, kept = [], {}
    parts = {"model": model, "averaged": averaged, "optimizer": optimizer, "plateau": plateau}
    if checkpoint:
        settings = {"recipe": recipe.to_dict(), "model": model.config.to_dict(), "seed": seed}
        sets = {"train": split.train, "validation": split.validation}
        used = {f"{k} {n}": a[i] for k, a in enumerate(arrays) for n, i in sets.items()}
        identity = checksum(settings | {"precision": precision}, used)
        if stored := load_checkpoint(checkpoint, identity, parts):
            history, kept, last_loss = stored["history"], stored["kept"], stored["last_loss"]
            report(f"Going on after epoch {len(history)}, from {checkpoint.name}.")
    earlier_seconds = history[-1]["cpu_seconds"] if history else 0.0
    started = time.process_time()

    while not _over(history, recipe):
        epoch = len(history)
        torch.manual_seed(seed * 10_007 + epoch)
        order, importance = draw(label, last_loss, recipe, epoch, seed)
        batches = order.split(max(recipe.batch_size, 2))
        if len(batches) > 1 and len(batches[-1]) < 2:  # batch normalisation needs two beats
            batches = batches[:-1]
        model.train()
        total = 0.0
        for number, chosen in enumerate(batches):
            if recipe.one_cycle:
                done = (epoch + number / len(batches)) / recipe.epochs
                optimizer.param_groups[0]["lr"] = recipe.learning_rate * one_cycle(done)
            x, r, y = (tensor[chosen].to(device) for tensor in (signal, rhythm, label))
            if recipe.augmented_share:
                x = augment(x, recipe.augmented_share)
            if model.config.rhythm:  # some beats lack it, so that a single beat is known as well
                hidden = torch.rand(len(r), 1, device=device) < recipe.no_rhythm
                r = r.masked_fill(hidden, torch.nan)
            with mixed:
                logits = model(x, r)
            losses = focal_loss(logits.float(), y, recipe.focal_gamma, weight)
            loss = (losses * importance[chosen].to(device)).mean()
            loss.backward()
            clip_grad_norm_(model.parameters(), recipe.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
            averaged.update_parameters(model)
            last_loss[chosen] = losses.detach().cpu()
            total += loss.item()
        if not math.isfinite(total):
            raise ValueError(
                f"The training loss is not a number any more in epoch {epoch + 1}: the learning "
                f"rate {recipe.learning_rate} is too high, or a beat holds NaN."
            )
        with mixed:
            logits = predict_logits(averaged.module, watched.signal, watched.rhythm)
        row = {"epoch": epoch + 1, "train_loss": total / len(batches)}
        row |= validation_scores(logits, watched.label)
        row |= {"learning_rate": optimizer.param_groups[0]["lr"], "beats_seen": len(order)}
        row |= {"cpu_seconds": round(earlier_seconds + time.process_time() - started, 1)}
        history.append(row)
        if not recipe.one_cycle:
            plateau.step(row["validation_macro_f1"])
        if recipe.one_cycle or _epochs_since_best(history) == 0:
            kept = {name: t.detach().clone() for name, t in averaged.module.state_dict().items()}
        if checkpoint:
            stored = {"history": history, "kept": kept, "last_loss": last_loss}
            save_checkpoint(checkpoint, identity, parts, stored)
        report(describe(row, recipe.epochs))

    model.load_state_dict(kept)
    model.to("cpu").eval()
    last = len(history) if recipe.one_cycle else len(history) - _epochs_since_best(history)
    table = pd.DataFrame(history)
    return table.assign(kept=table["epoch"] == last)


def draw(
    label: Tensor, last_loss: Tensor, recipe: Recipe, epoch: int, seed: int
) -> tuple[Tensor, Tensor]:
    """The beats of one epoch in the order of their visits, and the weight of every beat's loss.

    With ``weighted_sampling`` every class is drawn equally often. With ``skip_easy`` a random share
    of the easy beats is left out, and the other easy ones count for them (Qin et al. 2024,
    InfoBatch).
    """
    rng = np.random.default_rng([seed, epoch])
    importance = torch.ones(len(label))
    if recipe.weighted_sampling:
        share = 1.0 / np.bincount(label)[label]
        drawn = rng.choice(len(label), len(label), p=share / share.sum())
        return torch.from_numpy(drawn), importance
    visited = np.ones(len(label), dtype=bool)
    if recipe.skip_easy and epoch < FINISH * recipe.epochs:
        easy = (last_loss < last_loss.nanmean()).numpy()
        visited = ~(easy & (rng.random(len(label)) < recipe.skip_easy))
        importance[torch.from_numpy(easy)] = 1 / (1 - recipe.skip_easy)
    return torch.from_numpy(rng.permutation(np.flatnonzero(visited))), importance


def validation_scores(logits: Tensor, label: np.ndarray) -> dict[str, float]:
    """Loss, accuracy and macro F1 on the validation beats."""
    scores = overall_scores(confusion_matrix(label, logits.argmax(dim=1).numpy()))
    return {
        "validation_loss": float(cross_entropy(logits, torch.from_numpy(label))),
        "validation_accuracy": float(scores["accuracy"]),
        "validation_macro_f1": float(scores["macro_f1"]),
    }


def describe(row: dict, epochs: int) -> str:
    """One epoch in one line."""
    return (
        f"epoch {row['epoch']:2d} of {epochs}: loss {row['train_loss']:.4f}, validation accuracy "
        f"{row['validation_accuracy']:.2%}, macro F1 {row['validation_macro_f1']:.2%}, "
        f"{row['beats_seen']:,} beats, {row['cpu_seconds']:.0f} CPU s"
    )


def pick_precision(precision: str = "auto", device: str = "auto") -> str:
    """``"bf16"`` or ``"no"``; ``auto`` takes bf16 where the hardware computes it.

    Raises
    ------
    ValueError
        The precision is unknown.
    """
    if precision not in ("auto", "no", "bf16"):
        raise ValueError(f"There is no precision '{precision}'. Choose from auto, no, bf16.")
    if precision != "auto":
        return precision
    if _pick_device(device).type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no"
    on_cpu = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16" if _pick_device(device).type == "cpu" and on_cpu() else "no"


def _pick_device(device: str) -> torch.device:
    """``auto``: the fastest one here."""
    if device == "auto" and torch.accelerator.is_available():
        return torch.accelerator.current_accelerator()
    return torch.device("cpu" if device == "auto" else device)


def _averaging(decay: float):
    """Running average that starts quickly: its window grows with the number of steps."""

    def update(averages: list[Tensor], current: list[Tensor], steps: Tensor | int) -> None:
        keep = min(decay, (1 + int(steps)) / (10 + int(steps))) if decay else 0.0
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, current, 1 - keep)
        else:  # the step counters of batch normalisation
            torch._foreach_copy_(averages, current)

    return update


def _epochs_since_best(history: list[dict]) -> int:
    """Number of epochs since the best one, by macro F1 on validation."""
    return len(history) - 1 - int(np.argmax([row["validation_macro_f1"] for row in history]))


def _over(history: list[dict], recipe: Recipe) -> bool:
    """Whether all epochs are done or, without one cycle, the last ones brought no progress."""
    standstill = history and _epochs_since_best(history) >= recipe.patience
    return len(history) >= recipe.epochs or bool(standstill and not recipe.one_cycle)
