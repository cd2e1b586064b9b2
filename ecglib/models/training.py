"""The training loop, in the open: epochs, batches, loss, learning rate, early stopping.

Device, mixed precision, gradient clipping and several processes come from accelerate. Every epoch
draws from a seed of its own, so a run that was killed and goes on from its last checkpoint ends
with the same weights as one that never stopped.
"""

import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import set_seed
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel

from ecglib.beats.beats import Beats
from ecglib.datasets.splits import Split
from ecglib.metrics.scores import confusion_matrix, overall_scores
from ecglib.models.augment import augmented_copies
from ecglib.models.checkpoint import digest, restore, save
from ecglib.models.network import CNNLSTM, predict_logits
from ecglib.models.recipes import Recipe, one_cycle
from ecglib.models.sampling import draw, share_losses
from ecglib.models.steps import Steps


def pick_precision() -> str:
    """``"bf16"`` where the GPU or the processor computes it in hardware, otherwise ``"no"``."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no"
    in_hardware = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16" if in_hardware() else "no"


def fit(
    model: CNNLSTM,
    beats: Beats,
    split: Split,
    recipe: Recipe,
    seed: int = 0,
    checkpoint: Path | None = None,
    precision: str = "auto",
    report=print,
    taught: np.ndarray | None = None,
    device: str = "auto",
) -> pd.DataFrame:
    """Train a network on the training beats, watching the validation beats.

    Parameters
    ----------
    model : CNNLSTM
        Trained in place. It ends with the weights of its best epoch, or after one cycle of the
        learning rate with the last ones: there the rate has come to rest, and the best of many
        epochs would only be the luckiest.
    beats : Beats
    split : Split
        Only ``train`` and ``validation`` are looked at.
    recipe : Recipe
    seed : int
    checkpoint : Path, optional
        File for the state after every epoch. If it is there and belongs to this very training,
        training goes on from it. It stays until the caller removes it.
    precision : {"auto", "no", "bf16"}
    report : callable
        Gets one line of text an epoch.
    taught : ndarray, shape (n_train, 5), optional
        What teachers say of each training beat, as probabilities; see ``ecglib.models.distillation``.
    device : {"auto", "cpu"}
        ``auto`` takes the fastest that is there, or the one that the launcher gave.

    Returns
    -------
    DataFrame
        One row an epoch: ``epoch``, ``train_loss``, ``validation_loss``, ``validation_accuracy``,
        ``validation_macro_f1``, ``learning_rate``, ``beats_seen``, ``cpu_seconds`` (so far),
        ``kept`` (whether the network ends with this epoch's weights).

    Raises
    ------
    ValueError
        There are no training or no validation beats, or the loss is no longer a number.
    """
    if not len(split.train) or not len(split.validation):
        raise ValueError("Training needs at least one beat for training and one for validation.")
    AcceleratorState._reset_state()  # one Python process may train in several precisions
    accelerator = Accelerator(
        mixed_precision=pick_precision() if precision == "auto" else precision,
        cpu=device == "cpu",
    )
    if not accelerator.is_main_process:
        report = _silent
    set_seed(seed)
    rhythm = beats.rhythm
    arrays = (beats.signal, rhythm, beats.label)
    signal, around, label = (torch.from_numpy(a[split.train]) for a in arrays)
    model.fit_standardisation(signal, around)
    target = None
    if taught is not None:
        if any(recipe.copies):
            raise ValueError(
                "Teachers speak of the beats as they are: use a recipe without copies."
            )
        share = recipe.teacher_share
        target = share * torch.from_numpy(taught).float() + (1 - share) * one_hot(label, 5)
    signal, around, label = augmented_copies(signal, around, label, recipe.copies)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    plateau = ReduceLROnPlateau(optimizer, mode="max", patience=5, factor=0.5)
    # Copied before accelerate ties the forward pass of `model` to mixed precision.
    averaged = AveragedModel(model, multi_avg_fn=_averaging(recipe.averaging), use_buffers=True)
    averaged.to(accelerator.device)
    prepared, optimizer = accelerator.prepare(model, optimizer)
    read = around if model.config.rhythm else None
    steps = Steps(accelerator, prepared, recipe, signal, read, label, target, report)
    last_loss = torch.full((len(label),), torch.nan)
    history, kept = [], {}
    identity = {"recipe": recipe.to_dict(), "model": model.config.to_dict(), "seed": seed}
    identity |= {"precision": accelerator.mixed_precision}
    identity |= {"taught": None if taught is None else float(np.square(taught).sum())}
    if checkpoint is not None:
        sides = (split.train, split.validation)
        identity |= {"beats": digest(*(array[side] for array in arrays for side in sides))}
    parts = {"model": model, "averaged": averaged, "optimizer": optimizer, "plateau": plateau}
    if checkpoint is not None and (stored := restore(checkpoint, identity, parts)):
        history, kept, last_loss = stored["history"], stored["kept"], stored["last_loss"]
        report(f"Going on after epoch {len(history)}, from {checkpoint.name}.")
    earlier_seconds = history[-1]["cpu_seconds"] if history else 0.0
    started = time.process_time()

    while not _over(history, recipe):
        epoch = len(history)
        set_seed(seed * 10_007 + epoch, device_specific=True)
        order, importance = draw(label, last_loss, recipe, epoch, seed)
        mine = order[accelerator.process_index :: accelerator.num_processes]
        batches = mine.split(max(recipe.batch_size // accelerator.num_processes, 2))
        if len(batches) > 1 and len(batches[-1]) < 2:  # batch normalisation needs two beats
            batches = batches[:-1]
        prepared.train()
        total = 0.0
        for number, chosen in enumerate(batches):
            if recipe.one_cycle:
                done = (epoch + number / len(batches)) / recipe.epochs
                for group in optimizer.param_groups:
                    group["lr"] = recipe.learning_rate * one_cycle(done)
            loss, last_loss[chosen] = steps.learn(chosen, importance)
            accelerator.clip_grad_norm_(prepared.parameters(), recipe.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
            averaged.update_parameters(model)
            total += loss
        if not math.isfinite(total):
            raise ValueError(
                f"The training loss is not a number any more in epoch {epoch + 1}: the learning "
                f"rate {recipe.learning_rate} is too high, or a beat holds NaN."
            )
        last_loss = share_losses(accelerator, mine, last_loss)
        row = {"epoch": epoch + 1, "train_loss": total / len(batches)}
        row |= validate(
            averaged.module, beats[split.validation], rhythm[split.validation], accelerator
        )
        row |= {"learning_rate": optimizer.param_groups[0]["lr"], "beats_seen": len(order)}
        row |= {"cpu_seconds": round(earlier_seconds + time.process_time() - started, 1)}
        history.append(row)
        if not recipe.one_cycle:
            plateau.step(row["validation_macro_f1"])
        if recipe.one_cycle or _epochs_since_best(history) == 0:
            kept = {name: t.detach().clone() for name, t in averaged.module.state_dict().items()}
        if checkpoint is not None and accelerator.is_main_process:
            stored = {"history": history, "kept": kept, "last_loss": last_loss}
            save(checkpoint, identity, parts, stored)
        report(describe(row, recipe.epochs))

    accelerator.unwrap_model(prepared, keep_fp32_wrapper=False)
    model.load_state_dict(kept)
    model.to("cpu").eval()
    table = pd.DataFrame(history)
    last = len(history) if recipe.one_cycle else len(history) - _epochs_since_best(history)
    return table.assign(kept=table["epoch"] == last)


def validate(
    model: CNNLSTM, beats: Beats, rhythm: np.ndarray, accelerator: Accelerator
) -> dict[str, float]:
    """Loss, accuracy and macro F1 on some beats and the rhythm around them."""
    with accelerator.autocast():
        logits = predict_logits(model, beats.signal, rhythm)
    label = torch.from_numpy(beats.label)
    scores = overall_scores(confusion_matrix(beats.label, logits.argmax(dim=1).numpy()))
    return {
        "validation_loss": float(cross_entropy(logits, label)),
        "validation_accuracy": float(scores["accuracy"]),
        "validation_macro_f1": float(scores["macro_f1"]),
    }


def _silent(line: str) -> None:
    """What the other processes would say, too, needs to be read only once."""


def describe(row: dict, epochs: int) -> str:
    """One epoch in one line."""
    return (
        f"epoch {row['epoch']:2d} of {epochs}: loss {row['train_loss']:.4f}, validation accuracy "
        f"{row['validation_accuracy']:.2%}, macro F1 {row['validation_macro_f1']:.2%}, "
        f"{row['beats_seen']:,} beats, {row['cpu_seconds']:.0f} CPU s"
    )


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
    """How long ago the best epoch was, by macro F1 on validation."""
    scores = [row["validation_macro_f1"] for row in history]
    return len(scores) - 1 - int(np.argmax(scores)) if scores else 0


def _over(history: list[dict], recipe: Recipe) -> bool:
    """Whether training has come to its end, to a standstill, or to where it was told to stop."""
    if not history:
        return recipe.epochs == 0
    accuracy, macro_f1 = recipe.stop_at
    reached = history[-1]["validation_accuracy"] >= accuracy
    reached &= history[-1]["validation_macro_f1"] >= macro_f1
    # One cycle has to come to rest: its last weights are kept.
    standstill = not recipe.one_cycle and _epochs_since_best(history) >= recipe.patience
    return reached or standstill or len(history) >= recipe.epochs
