"""What is there when the demo starts: models to choose from, and what earlier runs have said."""

from pathlib import Path

import numpy as np

from ecglib.beats.beats import Beats
from ecglib.evaluation.results import load_predictions
from ecglib.models.classifier import Classifier
from ecglib.models.model_file import ModelFileError, read_card
from ecglib.paths import MODELS, Run

CHECKED = 16  # beats that are classified anew, to see whose predictions a file holds
TOLERANCE = 1e-3


def model_files(run: Run) -> dict[str, Path]:
    """The networks at hand by name: those that the project ships, and those of the run."""
    folders = (MODELS, run.folder / "models")
    paths = [path for folder in folders for path in sorted(folder.glob("*.safetensors"))]
    return {path.stem: path for path in paths if _is_network(path)}


def _is_network(path: Path) -> bool:
    """Whether a model judges single beats: a network does, the patient-wise trees can't."""
    try:
        return "channels" in read_card(path)["architecture"]
    except (ModelFileError, KeyError, TypeError):
        return False


def known_predictions(
    run: Run, classifier: Classifier, test: Beats, rhythm: np.ndarray | None = None
) -> np.ndarray | None:
    """What the classifier says of the test beats, if the run or ``make run`` has saved it.

    Parameters
    ----------
    run : Run
    classifier : Classifier
    test : Beats
    rhythm : ndarray, shape (n, 6), optional

    Returns
    -------
    ndarray, shape (n, 5), or None
        None where no file is there, or where it is about other beats or by another model: a few
        beats are classified to find that out.
    """
    sample = np.linspace(0, len(test) - 1, CHECKED).astype(int)
    asked = None if rhythm is None else rhythm[sample]
    expected = classifier.predict_proba(test.signal[sample], asked)
    for place in (run, Run("outputs/quick")):
        try:
            stored = load_predictions(place, str(classifier.card.get("name")), "test", test)
        except (FileNotFoundError, ValueError):
            continue
        if np.abs(stored["proba"][sample] - expected).max() < TOLERANCE:
            return stored["proba"].astype(float)
    return None
