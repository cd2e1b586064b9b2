"""Notebooks with a parameters cell, and the problems of a call."""

import nbformat
import pytest

from ecglib.batch.parameters import ParameterError

CELL = """\
# Comments above and empty lines are fine.
epochs: int = 14  # passes over the training beats (1 to 200)
rate: float = 1e-3  # learning rate (0 to 1)

augment: bool = True  # change the training beats a little
protocol: str = "kaggle"  # how beats are split (kaggle | patients | random)
record: str = "100"  # name of a recording
"""


def notebook(path, *cells):
    """Write a notebook of (source, tags) cells."""
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": python})
    nb.cells = [nbformat.v4.new_code_cell(s, metadata={"tags": list(tags)}) for s, tags in cells]
    nbformat.write(nb, path)
    return path


def problems(call, *args, **kwargs):
    with pytest.raises(ParameterError) as error:
        call(*args, **kwargs)
    return error.value.problems
