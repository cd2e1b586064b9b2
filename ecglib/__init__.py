"""From ECG recordings to classified heartbeats; the folders are the stations, in this order.

``recordings`` → ``beats`` → ``datasets`` → ``models`` → ``evaluation`` → ``plots``; ``metrics`` are
pure functions, ``batch`` runs the notebooks, ``apps`` are the report, the demo, the HTTP service
and the archive. Each imports only from those before it.
"""

from importlib import import_module
from pathlib import Path

__version__ = "0.1.0"
__path__.append(str(Path(__file__).with_name("apps")))  # python -m ecglib.report, .api, .archive

# Imported when first used, so that `import ecglib` stays instant and needs no torch.
_EXPORTS = {
    "Beats": "beats.beats",
    "load_beats": "datasets.load",
    "Split": "datasets.splits",
    "split_beats": "datasets.splits",
    "Classifier": "models.classifier",
    "PatientwiseClassifier": "models.patientwise.classifier",
    "evaluate_recordings": "evaluation.external_validation",
    "CLASSES": "labels",
}
__all__ = sorted(_EXPORTS)


def __getattr__(name: str):
    if name not in _EXPORTS:
        raise AttributeError(f"module 'ecglib' has no attribute '{name}'")
    return getattr(import_module(f"ecglib.{_EXPORTS[name]}"), name)
