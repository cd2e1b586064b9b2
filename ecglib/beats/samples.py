"""A hundred test beats as CSV files of one beat each, to try the demo and other programs."""

from pathlib import Path

import numpy as np

from ecglib.beats.beats import Beats
from ecglib.labels import CLASS_NAMES, CLASSES
from ecglib.paths import ROOT, Run, atomic_write

SAMPLES = ROOT / "outputs" / "samples"


def sample_folder(run: Run, protocol: str) -> Path:
    """Folder for sample beats: ``outputs/samples`` for the published split, otherwise the run's."""
    return SAMPLES if protocol == "kaggle" and not run.synthetic else run.folder / "samples"


def save_samples(test: Beats, folder: Path, n: int = 100, seed: int = 0) -> list[Path]:
    """Write test beats to CSV files, each class in its natural proportion.

    Parameters
    ----------
    test : Beats
        The test beats of a split.
    folder : Path
        Older samples in it are removed.
    n : int
        Number of beats; all of them if there are fewer.
    seed : int
        Of the random draw.

    Returns
    -------
    list of Path
        ``sample_001_Normal_label0.csv`` and so on: 187 numbers in one line. Only the name holds
        the class.
    """
    rng = np.random.default_rng(seed)
    counts = np.bincount(test.label, minlength=len(CLASSES))
    drawn = [
        rng.choice(np.flatnonzero(test.label == k), take, replace=False)
        for k, take in enumerate(_shares(counts, min(n, len(test))))
    ]
    for old in folder.glob("sample_*.csv"):
        old.unlink()
    paths = []
    for number, which in enumerate(rng.permutation(np.concatenate(drawn)), 1):
        label = test.label[which]
        name = f"sample_{number:03d}_{CLASS_NAMES[CLASSES[label]]}_label{label}.csv"
        line = ",".join(f"{value:.9g}" for value in test.signal[which])  # exact for float32
        with atomic_write(folder / name) as path:
            path.write_text(line + "\n", encoding="utf-8")
        paths.append(folder / name)
    return paths


def _shares(counts: np.ndarray, n: int) -> np.ndarray:
    """Beats of each class among `n`, by the largest remainder method."""
    exact = counts * n / max(counts.sum(), 1)
    share = exact.astype(int)
    rest = n - share.sum()
    share[np.argsort(share - exact, kind="stable")[:rest]] += 1
    return share
