"""Kaggle's two files, written as Kaggle writes them."""

import numpy as np

from ecglib.datasets import kaggle


def write_csv(folder, signal, label, in_test):
    """The two files as Kaggle writes them: no header, label last, 19 digits."""
    table = np.column_stack([signal, label])
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(kaggle.FILES, (~in_test, in_test), strict=True):
        np.savetxt(folder / name, table[rows], delimiter=",", fmt="%.18e")
    return folder
