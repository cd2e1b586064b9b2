"""Training of the patient-wise model, on all leads and on draws of the normal beats.

Where the direction of a feature's effect is known, the trees are constrained to it, so that it is
not learnt wrongly from few patients. There are no class weights, which spoil the positive
predictivity of S.
"""

from collections.abc import Sequence

import numpy as np

from ecglib.labels import CLASSES, labels_of
from ecglib.models.patientwise.classifier import PatientwiseClassifier
from ecglib.models.patientwise.features import (
    EARLY,
    VENTRICULAR,
    describe,
    early_features,
    ventricular_features,
)
from ecglib.models.patientwise.rhythm_features import rr_features
from ecglib.models.patientwise.trees import Trees, average_trees, fit_trees
from ecglib.recordings.recording import Recording

MEMBERS = 5  # models of each kind whose log odds are averaged
SHARE_OF_N = 0.25  # of the normal beats each member learns from, with four times the weight

# Direction of a feature's effect, where it is known.
MORE_VENTRICULAR = {"rr_mean32": -1, "next_rr": 1, "common": -1} | {
    name: -1 if name.endswith("corr") else 1
    for name in ("qrs_corr", "qrs_diff", "qrs_unusual", "qrs_area", "half_width", "quarter_width")
    + ("half_width_ratio", "quarter_width_ratio", "spread", "t_corr", "t_unusual")
    + ("p_corr", "p_unusual")
}
EARLIER = {"rr_mean32": -1, "rr_mean400": -1, "next_rr": 1, "recent": -1, "nearest": -1}
EARLIER |= {"p_around": 1}  # irregular without P waves is atrial fibrillation, where N comes early


Described = tuple[dict[str, np.ndarray], np.ndarray]


def fit_described(
    described: list[Described], spliced: Sequence[Described] = (), seed: int = 0
) -> PatientwiseClassifier:
    """Train on recordings that are described already: features and class (0 to 4) of each beat.

    ``spliced`` recordings teach the second question only.
    """
    shape, label = [], []
    for found, own in described:
        for lead in ventricular_features(found):
            shape.append(lead[own < 3])
            label.append(own[own < 3])
    ventricular = _members(np.concatenate(shape), np.concatenate(label), 2, MORE_VENTRICULAR, seed)

    rhythm, label = [], []
    for found, own in [*described, *spliced]:
        features = early_features(found, np.isin(own, (1, 2)).astype(float))
        rhythm.append(features[own < 2])
        label.append(own[own < 2])
    n_spliced = sum(len(own) for own in label[len(described) :])
    early = _members(np.concatenate(rhythm), np.concatenate(label), 1, EARLIER, seed, n_spliced)
    return PatientwiseClassifier(ventricular, early, {})


def _members(
    features: np.ndarray, label: np.ndarray, positive: int, known_way: dict, seed: int, whole=0
) -> Trees:
    """Train the members of one model, each on its own draw of the normal beats.

    The last ``whole`` beats are all taken, with weight 1.
    """
    names = VENTRICULAR if positive == 2 else EARLY
    way = [known_way.get(name, 0) for name in names]
    drawn_from = np.arange(len(label)) < len(label) - whole
    normal = np.flatnonzero(drawn_from & (label == 0))
    weight = np.where(drawn_from & (label == 0), 1 / SHARE_OF_N, 1.0)
    members = []
    for member in range(MEMBERS):
        number = MEMBERS * seed + member
        rng = np.random.default_rng(number)
        left_out = rng.permutation(normal)[int(SHARE_OF_N * len(normal)) :]
        rows = np.setdiff1d(np.arange(len(label)), left_out)
        target = label[rows] == positive
        members.append(fit_trees(features[rows], target, weight[rows], way, number))
    return average_trees(members)


def described_beats(recording: Recording) -> Described:
    """Features and class of the annotated beats of a recording."""
    marks, symbols = recording.beats()
    return describe(recording.signal, recording.fs, marks), labels_of(symbols)


def splice(recording: Recording) -> Recording | None:
    """Premature S beats and the beats before them, spliced; None where there are fewer than 30.

    Few patients have mostly premature beats, and the model must not take that for their rhythm.
    Cuts are half way between beats, so that RR intervals stay plausible. Also None where S beats
    do not come early in a regular rhythm.
    """
    marks, symbols = recording.beats()
    early = np.flatnonzero(labels_of(symbols) == CLASSES.index("S"))
    if len(early) < 30:
        return None
    rhythm = rr_features(marks / recording.fs)
    if np.median(rhythm[early, 0]) > -0.1 or np.median(rhythm[:, -1]) > -3.9:
        return None
    keep = np.union1d(early, np.maximum(early - 1, 0))
    middle = (marks[1:] + marks[:-1]) // 2
    start, stop = np.append(0, middle), np.append(middle, len(recording.signal))
    length = stop[keep] - start[keep]
    moved = marks[keep] - start[keep] + np.cumsum(length) - length
    signal = [recording.signal[a:b] for a, b in zip(start[keep], stop[keep], strict=True)]
    return Recording(
        f"{recording.name} spliced",
        recording.fs,
        np.concatenate(signal),
        recording.leads,
        moved,
        symbols[keep],
    )
