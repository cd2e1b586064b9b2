"""Boosted trees as plain arrays: trained by scikit-learn, stored and evaluated without it.

scikit-learn stores trees as pickles, which execute code when they are loaded. Arrays fit into a
safetensors file.
"""

import numpy as np

Trees = dict[str, np.ndarray]
LEAVES = 5  # of a tree at most


def fit_trees(
    features: np.ndarray, label: np.ndarray, weight: np.ndarray, direction: list[int], seed: int
) -> Trees:
    """Train boosted trees that tell two classes apart; small ones, to fit other patients.

    ``direction`` is 1 for a feature that only makes ``label`` likelier, -1 for less, 0 for either.
    The arrays are ``feature``, ``threshold``, ``left``, ``right``, ``value``, of shape (trees,
    nodes), and ``start``, the score before the first tree. A leaf is its own child.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=50,
        learning_rate=0.1,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=30,
        l2_regularization=10,
        max_features=0.6,
        max_bins=48,
        monotonic_cst=direction,
        early_stopping=False,
        random_state=seed,
    ).fit(features, label, sample_weight=weight)
    # There is no public way to the trees; a test compares what is made of them with scikit-learn.
    nodes = [predictors[0].nodes for predictors in model._predictors]
    shape = len(nodes), max(map(len, nodes))
    own = np.broadcast_to(np.arange(shape[1], dtype=np.int64), shape)
    trees = {"feature": np.zeros(shape, np.int64), "threshold": np.zeros(shape)}
    trees |= {"left": own.copy(), "right": own.copy(), "value": np.zeros(shape)}
    for tree, node in enumerate(nodes):
        inner = np.flatnonzero(~node["is_leaf"].astype(bool))
        trees["feature"][tree, inner] = node["feature_idx"][inner]
        trees["threshold"][tree, inner] = node["num_threshold"][inner]
        trees["left"][tree, inner] = node["left"][inner]
        trees["right"][tree, inner] = node["right"][inner]
        trees["value"][tree, : len(node)] = node["value"]
    return trees | {"start": np.ravel(model._baseline_prediction).astype(np.float64)}


def average_trees(members: list[Trees]) -> Trees:
    """One model whose score is the mean of its members'."""
    nodes = max(m["value"].shape[1] for m in members)

    def padded(array: np.ndarray) -> np.ndarray:
        return np.pad(array, ((0, 0), (0, nodes - array.shape[1])))

    joined = {
        k: np.concatenate([padded(m[k]) for m in members]) for k in members[0] if k != "start"
    }
    joined["value"] /= len(members)
    return joined | {"start": np.mean([m["start"] for m in members], axis=0)}


def score(trees: Trees, features: np.ndarray) -> np.ndarray:
    """Log odds, shape (...,), of features, shape (..., n_features).

    A tree has few nodes, so evaluating all of them for every row is quicker than walking: the
    answers, one bit each, are the index of the leaf in a table.
    """
    inner = trees["left"] != trees["right"]
    most = max(inner.sum(axis=1).max(), 1)
    order = np.argsort(~inner, axis=1, kind="stable")[:, :most]  # inner nodes, first to last
    bit_of = np.maximum(np.cumsum(inner, axis=1) - 1, 0)
    tree, answers = np.arange(len(inner))[:, None], np.arange(2**most)
    node = np.zeros((len(inner), 2**most), dtype=np.int64)
    for _ in range(most):
        goes_left = answers >> bit_of[tree, node] & 1 == 1
        node = np.where(goes_left, trees["left"][tree, node], trees["right"][tree, node])
    ends = trees["value"][tree, node]

    columns = np.ascontiguousarray(features.reshape(-1, features.shape[-1]).T)
    total = np.full(columns.shape[1], trees["start"][0])
    for asked, against, end in zip(
        trees["feature"][tree, order], trees["threshold"][tree, order], ends, strict=True
    ):
        answer = np.zeros(columns.shape[1], dtype=np.uint8)
        for bit, (feature, threshold) in enumerate(zip(asked, against, strict=True)):
            answer |= (columns[feature] <= threshold).view(np.uint8) << np.uint8(bit)
        total += end[answer]
    return total.reshape(features.shape[:-1])


def check_trees(trees: Trees, n_features: int) -> None:
    """Raise ValueError for arrays that are not trees over so many features."""
    names = {"feature", "threshold", "left", "right", "value", "start"}
    if set(trees) != names or trees["start"].shape != (1,) or trees["value"].ndim != 2:
        raise ValueError("arrays are missing, or there are others")
    shape = trees["value"].shape
    for name, bound in {"feature": n_features, "left": shape[1], "right": shape[1]}.items():
        array = trees[name]
        if array.dtype.kind != "i" or array.shape != shape or not shape[1]:
            raise ValueError(f"{name} has another shape or type")
        if (array < 0).any() or (array >= bound).any():
            raise ValueError(f"{name} points nowhere")
    if ((trees["left"] != trees["right"]).sum(axis=1) >= LEAVES).any():
        raise ValueError(f"a tree has more than {LEAVES} leaves")
    if trees["threshold"].shape != shape or not np.isfinite(trees["value"]).all():
        raise ValueError("threshold or value has another shape, or is no number")
