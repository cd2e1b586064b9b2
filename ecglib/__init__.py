"""From ECG recordings to classified heartbeats. The modules, in the order in which data flows:

==============  ====================================================================================
shared          ``labels``, ``paths``
recordings      ``recordings``, with ``wfdb_headers``; ``leads``, ``rpeaks``; ``sources`` finds
                them: ``physionet``, ``kaggle_csv``, ``synthetic``
anybody's ECG   the package ``readers``; ``quality``, ``blocks``; ``events`` and ``report``, with
                ``report_page``: what stands out in a classified recording
beats           ``beats`` (the cut), ``rhythm``, ``context``, ``shape``, ``published`` (which beat
                is which published row), ``splits``, ``leak``
models          ``knn``; ``model``, ``augment``, ``recipes``, ``sampling``, ``steps``, ``training``,
                ``checkpoint``, ``distillation``, ``ensemble``; ``modelfile``, ``serving``,
                ``classifier``; for new patients ``trees`` and ``patientwise``, with
                ``patientwise_...``
evaluation      ``evaluation``, the face of ``confusion``, ``calibration``, ``uncertainty``,
                ``tables`` and ``results``; ``finishing`` keeps a trained network; ``ec57``,
                ``mistakes``, ``explain``, ``noise``, ``stress``; ``transfer`` (other
                databases)
figures         the package ``plots``, on ``figures``
demo            the package ``demo``; ``samples``
batch runs      ``runner``, ``parameters``, ``profiles``, ``guards``, ``manifest``; ``verify``,
                ``doctor``
archives        the package ``archive``: many recordings, on a cluster if there is one
HTTP            the package ``api``
==============  ====================================================================================
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
    "PatientwiseClassifier": "patientwise",
    "evaluate_recordings": "transfer",
    "CLASSES": "labels",
}
__all__ = sorted(_EXPORTS)


def __getattr__(name: str):
    if name not in _EXPORTS:
        raise AttributeError(f"module 'ecglib' has no attribute '{name}'")
    return getattr(import_module(f"ecglib.{_EXPORTS[name]}"), name)
