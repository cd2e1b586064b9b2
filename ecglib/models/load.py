"""Any shipped or stored model, by its name or its file."""

from pathlib import Path

from ecglib.models.classifier import Classifier
from ecglib.models.model_file import read_card
from ecglib.models.patientwise.classifier import KIND, PatientwiseClassifier
from ecglib.models.recordings import RecordingClassifier
from ecglib.paths import MODELS


def load_model(name: str | Path) -> RecordingClassifier:
    """The model of a file, or of a name in ``models/``, whatever kind it is."""
    path = Path(name)
    path = path if path.suffix else MODELS / f"{name}.safetensors"
    kind = PatientwiseClassifier if read_card(path).get("architecture") == KIND else Classifier
    return kind.load(path)
