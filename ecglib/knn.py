"""K nearest neighbours: how far a method gets that only compares beats with those it has seen."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, RobustScaler

from ecglib.beats import BEAT_SAMPLES
from ecglib.labels import CLASSES

FADE = 0.1  # weight of a row's last sample; its first one weighs 1


def published_knn() -> Pipeline:
    """The published baseline: robust scaling, five neighbours, Manhattan distance."""
    return make_pipeline(
        RobustScaler(),
        KNeighborsClassifier(n_neighbors=5, metric="manhattan", algorithm="brute", n_jobs=-1),
    )


def fast_knn() -> Pipeline:
    """Ours: three neighbours by weighted Euclidean distance, after PCA, nearer ones count more.

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
    """Class probabilities, shape (n, 5), also for classes the model has never seen (0 there).

    Parameters
    ----------
    model : Pipeline
        Fitted on labels 0 to 4.
    signal : ndarray, shape (n, 187)
    """
    out = np.zeros((len(signal), len(CLASSES)))
    out[:, model.classes_] = model.predict_proba(signal)
    return out
