"""From ECG recordings to classified heartbeats, in the order in which data flows.

labels, paths → sources (physionet, kaggle_csv, synthetic) → recordings → beats → splits → knn,
model, augment, training → classifier → evaluation → plots → demo. ``runner`` and ``parameters``
execute the notebooks.
"""

from importlib import import_module

__version__ = "0.1.0"

# Imported when first used, so that `import ecglib` stays instant and needs no torch.
_EXPORTS = {
    "Beats": "beats",
    "load_beats": "beats",
    "Split": "splits",
    "split_beats": "splits",
    "Classifier": "classifier",
    "CLASSES": "labels",
}
__all__ = sorted(_EXPORTS)


def __getattr__(name: str):
    if name not in _EXPORTS:
        raise AttributeError(f"module 'ecglib' has no attribute '{name}'")
    return getattr(import_module(f"ecglib.{_EXPORTS[name]}"), name)
