"""The front door to the data: annotated beats from the first source that has them."""

from pathlib import Path

from ecglib.beats.beats import Beats, cut_beats, join
from ecglib.datasets import kaggle, sources
from ecglib.recordings.wfdb import read_recording, record_names


def load_beats(source: str = "auto", root: str | Path | None = None) -> Beats:
    """Load all annotated beats from the first source that has them.

    Parameters
    ----------
    source : {"auto", "folder", "physionet", "kaggle", "synthetic"}
        ``auto`` tries, in this order, ``root``, ``$ECG_DATA``, ``data/`` in the project,
        ``../shared``, the user's cache, PhysioNet, Kaggle and at last synthetic beats, and prints
        which one served. A source named explicitly never falls back to another.
    root : str or Path, optional
        A folder of annotated WFDB recordings, or one that holds them as ``mitdb/``.

    Returns
    -------
    Beats
        Ordered by record, then by time. MIT-BIH gives 109,446 of them.

    Raises
    ------
    ecglib.datasets.sources.DataSourceError
        The source named is not in reach; the message says what was tried and the ways out.
    """
    found = sources.locate(source, root or None)
    print(found.describe())
    if found.source == "kaggle":
        return kaggle.load(found.folder)
    recordings = (read_recording(found.folder / n, leads=[0]) for n in record_names(found.folder))
    return join([cut_beats(recording) for recording in recordings], found.source, found.folder)
