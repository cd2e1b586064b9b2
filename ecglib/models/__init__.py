"""KNN, networks and the patient-wise model: training, model files, predictions."""

from pathlib import Path


def load_model(name: str | Path):
    """A model of any kind, from its file or, for shipped ones, by its name."""
    from ecglib.models.classifier import Classifier
    from ecglib.models.model_file import find_model, read_card
    from ecglib.models.patientwise.classifier import KIND, PatientwiseClassifier

    path = find_model(name)
    kind = PatientwiseClassifier if read_card(path).get("architecture") == KIND else Classifier
    return kind.load(path)
