"""What the demo starts with: models to choose from, and predictions saved by earlier runs."""

from pathlib import Path

import numpy as np

from ecglib.beats.beats import Beats
from ecglib.evaluation.results import load_predictions
from ecglib.models.classifier import Classifier
from ecglib.models.model_file import ModelFileError, read_card
from ecglib.paths import MODELS, Run

CHECKED = 16  # beats that are classified again, to recognise the model of saved predictions
TOLERANCE = 1e-3


def model_files(run: Run) -> dict[str, Path]:
    """The available networks by name: the project's, and those of the run."""
    folders = (MODELS, run.folder / "models")
    paths = [path for folder in folders for path in sorted(folder.glob("*.safetensors"))]
    return {path.stem: path for path in paths if _is_network(path)}


def _is_network(path: Path) -> bool:
    """Whether a model classifies single beats: the patient-wise trees can't."""
    try:
        return "channels" in read_card(path)["architecture"]
    except (ModelFileError, KeyError, TypeError):
        return False


def known_predictions(run: Run, classifier: Classifier, test: Beats) -> np.ndarray | None:
    """Class probabilities of the test beats, saved by this run or by ``make run``.

    Parameters
    ----------
    run : Run
    classifier : Classifier
    test : Beats

    Returns
    -------
    ndarray, shape (n, 5), or None
        None if there is no file, or one of other beats or another model; a few beats are classified
        to check this.
    """
    sample = np.linspace(0, len(test) - 1, CHECKED).astype(int)
    expected = classifier.predict_proba(test.signal[sample], test.rhythm[sample])
    for place in (run, Run("outputs/quick")):
        try:
            stored = load_predictions(place, str(classifier.card.get("name")), "test", test)
        except (FileNotFoundError, ValueError):
            continue
        if np.abs(stored["proba"][sample] - expected).max() < TOLERANCE:
            return stored["proba"].astype(float)
    return None
