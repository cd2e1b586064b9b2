"""Whether an archive's results are those of the classifier."""

from pathlib import Path

import pandas as pd

from ecglib.apps.archive.files import find_recordings
from ecglib.apps.archive.worker import compact
from ecglib.models.classifier import Classifier


def assert_classified(out: Path, folder: Path, model: str | Path) -> None:
    """Every recording once, with the table that a single call gives."""
    beats, classifier = pd.read_parquet(out), Classifier.load(model)
    entries = find_recordings(str(folder), "")
    assert list(dict.fromkeys(beats["recording"])) == [entry.name for entry in entries]
    for entry in entries:
        expected = compact(classifier.classify_recording(entry.path), entry.name)
        own = beats[beats["recording"] == entry.name].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, expected, rtol=1e-4)
