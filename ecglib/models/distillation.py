"""Learning from teachers: networks that say of every training beat what they, unbiased, think.

A label is one letter; a network that has not seen the beat says how close a call it was. Each
teacher learns from all folds of the training beats but one and judges that one, so no teacher
speaks of a beat that it has learnt by heart (cross-fitting). The student then learns from labels
and opinions together (Hinton et al. 2015).
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import StratifiedKFold

from ecglib.beats.beats import Beats
from ecglib.datasets.splits import Split
from ecglib.models.checkpoint import digest
from ecglib.models.network import CNNLSTM, ModelConfig, predict_logits
from ecglib.models.recipes import Recipe
from ecglib.models.training import fit
from ecglib.paths import atomic_write

TEACHERS = "rhythm"  # their architecture: what they know of the rhythm, they teach all students
STUDENTS = {"best": "rhythm", "best_beat": "compact"}  # names and architectures


def ask_teachers(
    config: ModelConfig,
    beats: Beats,
    split: Split,
    recipe: Recipe,
    teachers: int,
    seed: int,
    folder: Path,
    precision: str = "auto",
    report=print,
) -> tuple[np.ndarray, float]:
    """Train teachers and collect what each says of the training beats it has not seen.

    Parameters
    ----------
    config : ModelConfig
        The teachers' architecture.
    beats : Beats
    split : Split
        Only ``train`` is learnt from and judged; ``validation`` is watched.
    recipe : Recipe
    teachers : int
        How many, and into how many folds the training beats are parted; at least 2.
    seed : int
    folder : Path
        Keeps checkpoints and each teacher's opinion, so that an interrupted call goes on.
    precision : {"auto", "no", "bf16"}
    report : callable
        Gets one line of text an epoch.

    Returns
    -------
    taught : ndarray, shape (n_train, 5), float32
        Probabilities of the training beats, in the order of ``split.train``.
    cpu_seconds : float
        What all teachers took, in this call or an earlier one.
    """
    rhythm = beats.rhythm
    how = json.dumps([config.to_dict(), recipe.to_dict(), seed]).encode()
    lesson = digest(how, beats.signal[split.train], beats.label[split.train])[:8]
    folds = StratifiedKFold(teachers, shuffle=True, random_state=seed)
    taught, cpu_seconds = np.zeros((len(split.train), 5), dtype=np.float32), 0.0
    for k, (known, unseen) in enumerate(folds.split(split.train, beats.label[split.train])):
        stem = f"teacher-{lesson}-{k + 1}-of-{teachers}"
        opinion = folder / f"{stem}.npz"
        if not opinion.exists():
            report(f"Teacher {k + 1} of {teachers}")
            torch.manual_seed(1000 * (k + 1) + seed)
            teacher = CNNLSTM(config)
            part = replace(split, train=split.train[known])
            checkpoint = folder / f"{stem}.pt"
            history = fit(teacher, beats, part, recipe, seed + k, checkpoint, precision, report)
            asked = split.train[unseen]
            proba = predict_logits(teacher, beats.signal[asked], rhythm[asked]).softmax(dim=1)
            with atomic_write(opinion) as temporary, open(temporary, "wb") as file:
                np.savez(file, proba=proba.numpy(), cpu_seconds=history.cpu_seconds.iloc[-1])
        with np.load(opinion, allow_pickle=False) as stored:
            taught[unseen] = stored["proba"]
            cpu_seconds += float(stored["cpu_seconds"])
    return taught, cpu_seconds
