"""Annotated beats from the first source that has them."""

from pathlib import Path

from ecglib.beats.beats import Beats, cut_beats, join
from ecglib.datasets import kaggle, sources
from ecglib.recordings.wfdb import read_recording, record_names


def load_beats(source: str = "auto", root: str | Path | None = None) -> Beats:
    """Load all annotated beats from the first source that has them, and print that source.

    Parameters
    ----------
    source : {"auto", "folder", "physionet", "kaggle", "synthetic"}
        ``auto`` tries, in this order, ``root`` or ``$ECG_DATA``, ``data/`` in the project and
        ``../shared``, then the user's cache, PhysioNet, Kaggle and at last synthetic beats.
        ``folder`` tries only the folders, ``kaggle`` Kaggle's two CSV files there and then Kaggle.
        A source named explicitly never falls back to another.
    root : str or Path, optional
        A folder of annotated WFDB recordings of any database, or one that holds them as
        ``mitdb/``, or one with Kaggle's two CSV files. If it is given, no other place is tried.

    Returns
    -------
    Beats
        Ordered by record, then by time. MIT-BIH gives 109,446 of them.

    Raises
    ------
    ecglib.datasets.sources.DataSourceError
        The data are not in reach; the message lists the places tried and the ways out.
    ValueError
        The source is unknown or takes no root, or a file is malformed.
    """
    found = sources.locate(source, root or None)
    print(found.describe())
    if found.source == "kaggle":
        return kaggle.load(found.folder)
    recordings = (read_recording(found.folder / n, leads=[0]) for n in record_names(found.folder))
    return join([cut_beats(recording) for recording in recordings], found.source, found.folder)
