"""Made-up predictions."""

import numpy as np

PREVALENCE = [0.8, 0.04, 0.09, 0.02, 0.05]


def draw(n=3000, seed=0, skill=3.0):
    """True classes and the probabilities of a model that is right most of the time."""
    rng = np.random.default_rng(seed)
    y_true = rng.choice(5, n, p=PREVALENCE)
    logits = rng.normal(size=(n, 5)) + skill * np.eye(5)[y_true]
    proba = np.exp(logits)
    return y_true, proba / proba.sum(1, keepdims=True)


def one_hot(y):
    return np.eye(5)[np.asarray(y)]
