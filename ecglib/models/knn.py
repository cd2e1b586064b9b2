"""K nearest neighbours: the baseline, which compares each beat with the training beats."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, RobustScaler

from ecglib.beats.beats import BEAT_SAMPLES
from ecglib.labels import CLASSES

FADE = 0.1  # weight of a row's last sample; its first one weighs 1


def published_knn() -> Pipeline:
    """The published baseline: robust scaling, five neighbours, Manhattan distance."""
    return make_pipeline(
        RobustScaler(),
        KNeighborsClassifier(n_neighbors=5, metric="manhattan", algorithm="brute", n_jobs=-1),
    )


def fast_knn() -> Pipeline:
    """Ours: PCA, then three neighbours by weighted Euclidean distance; nearer ones count more.

    The weight of a sample falls along the row, since the start of a row is the beat itself and the
    end belongs to the next one. Weights, components and neighbours were chosen on validation beats.
    """
    return make_pipeline(
        FunctionTransformer(fade),
        PCA(n_components=64, svd_solver="covariance_eigh"),
        KNeighborsClassifier(n_neighbors=3, weights="distance", algorithm="brute", n_jobs=-1),
    )


def fade(signal: np.ndarray) -> np.ndarray:
    """Weight the samples of beats, shape (n, 187), from 1 at the R peak down to 0.1."""
    return signal * np.linspace(1.0, FADE, BEAT_SAMPLES, dtype=np.float32)


def predict_proba(model: Pipeline, signal: np.ndarray) -> np.ndarray:
    """Class probabilities, shape (n, 5); 0 for classes without training beats.

    Parameters
    ----------
    model : Pipeline or ClassifierMixin
        Fitted on labels 0 to 4; one of this module, or any classifier of scikit-learn.
    signal : ndarray, shape (n, 187)

    Raises
    ------
    ValueError
        The model was fitted on fewer beats than it needs neighbours, which scikit-learn does not
        always check.
    """
    last = model[-1] if isinstance(model, Pipeline) else model
    if isinstance(last, KNeighborsClassifier) and last.n_samples_fit_ < last.n_neighbors:
        raise ValueError(
            f"{last.n_samples_fit_} training beats are too few for {last.n_neighbors} "
            "neighbours: use more beats, or fewer neighbours."
        )
    out = np.zeros((len(signal), len(CLASSES)))
    out[:, model.classes_] = model.predict_proba(signal)
    return out


def neighbours(model: Pipeline, signal: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The training beats nearest to each beat, nearest first.

    Parameters
    ----------
    model : Pipeline
        A fitted one of this module.
    signal : ndarray, shape (n, 187)
    k : int
        Number of neighbours; one search with a large k serves all smaller ones.

    Returns
    -------
    distance : ndarray, shape (n, k)
    position : ndarray, shape (n, k), int
        Their positions among the training beats.
    """
    return model[-1].kneighbors(model[:-1].transform(signal), n_neighbors=k)


def vote(distance: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Class probabilities, shape (n, 5), from neighbours that count by nearness.

    Parameters
    ----------
    distance : ndarray, shape (n, k)
        A neighbour weighs 1 / distance; where some are at distance 0, only they count. With equal
        distances it is a plain vote.
    label : ndarray, shape (n, k), int
        Classes of the neighbours.
    """
    same = distance == 0
    with np.errstate(divide="ignore"):
        weight = np.where(same.any(axis=1, keepdims=True), same, 1 / distance)
    votes = np.stack([(weight * (label == k)).sum(axis=1) for k in range(len(CLASSES))], axis=1)
    return votes / votes.sum(axis=1, keepdims=True)
