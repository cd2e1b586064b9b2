"""Why a network says what it says: integrated gradients, and whether they can be believed.

Integrated gradients (Sundararajan et al. 2017) go from a beat without any deflection to the beat
itself and add up, sample by sample, how much each step moves the logit of a class. The parts sum up
to the difference of the two logits. The beat without deflection is a flat line at the beat's own
median, as long as the beat: where the padding begins, which tells the RR intervals, is the same in
both and gets no share.

An explanation that stays the same when the network's weights are shuffled explains the beat, not
the network (Adebayo et al. 2018); `shuffled` and `rank_agreement` put that to the test.
"""

from copy import deepcopy

import numpy as np
import torch
from captum.attr import IntegratedGradients
from scipy.stats import rankdata
from torch import nn

STEPS = 64
BATCH = 512  # beats on the way that are asked about at once: the deep network takes 1 MB for each
KINDS_OF_AGREEMENT = ("with sign", "absolute", "absolute, per deflection")


def flat_lines(signal: np.ndarray) -> np.ndarray:
    """For each beat, shape (n, 187), a flat line at its median, zero in its padding."""
    inside = inside_beat(signal)
    median = np.nanmedian(np.where(inside, signal, np.nan), axis=1, keepdims=True)
    return np.where(inside, median, 0).astype(np.float32)


def inside_beat(signal: np.ndarray) -> np.ndarray:
    """Which samples of beats, shape (n, 187), come before the padding; bool."""
    used = signal.shape[1] - (signal[:, ::-1] != 0).argmax(axis=1)
    return np.arange(signal.shape[1]) < used[:, None]


def integrated_gradients(
    model: nn.Module,
    signal: np.ndarray,
    target: np.ndarray,
    rhythm: np.ndarray | None = None,
    steps: int = STEPS,
) -> tuple[np.ndarray, np.ndarray]:
    """How much every sample speaks for a class.

    Parameters
    ----------
    model : Module
        (n, 187) => (n, 5) logits, such as ``Classifier.model``.
    signal : ndarray, shape (n, 187)
    target : ndarray, shape (n,), int
        The class asked about, for each beat.
    rhythm : ndarray, shape (n, 6), optional
        For a network that reads the rhythm: the same on all of the way, so it gets no share.
    steps : int
        Points on the way from the flat line to the beat.

    Returns
    -------
    attribution : ndarray, shape (n, 187)
        In units of the logit: above 0 speaks for the class, below 0 against it.
    error : ndarray, shape (n,)
        What the parts lack of the difference of the two logits.
    """
    model.eval()
    beats = torch.from_numpy(np.ascontiguousarray(signal, dtype=np.float32))
    baseline = torch.from_numpy(flat_lines(signal))
    more = None if rhythm is None else torch.from_numpy(np.asarray(rhythm, dtype=np.float32))
    parts, error = IntegratedGradients(model.forward).attribute(
        beats, baseline, torch.as_tensor(target), more, n_steps=steps,
        internal_batch_size=BATCH, return_convergence_delta=True,
    )  # fmt: skip
    return parts.detach().numpy(), error.detach().numpy()


def shuffled(model: nn.Module, layers: list[str], seed: int = 0) -> nn.Module:
    """A copy whose weights in these layers change places at random, each within its own array.

    Parameters
    ----------
    model : Module
        Left as it is.
    layers : list of str
        Names of direct children, such as ``["head"]``.
    seed : int
    """
    generator = torch.Generator().manual_seed(seed)
    copy = deepcopy(model)
    with torch.no_grad():
        for layer in layers:
            for weights in copy.get_submodule(layer).parameters():
                order = torch.randperm(weights.numel(), generator=generator)
                weights.copy_(weights.flatten()[order].view_as(weights))
    return copy


def rank_agreement(first: np.ndarray, second: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of two explanations of the same beats, before the padding.

    Parameters
    ----------
    first, second : ndarray, shape (n, 187)
        Attributions; give their absolute values to compare strength without direction.
    signal : ndarray, shape (n, 187)
        The beats, for their lengths.

    Returns
    -------
    ndarray, shape (n,)
        1: the same order of samples; 0: no relation; NaN where one does not vary.
    """
    out = np.full(len(signal), np.nan)
    for row, inside in enumerate(inside_beat(signal)):
        a, b = (rankdata(each[row, inside]) for each in (first, second))
        if np.ptp(a) > 0 and np.ptp(b) > 0:
            out[row] = np.corrcoef(a, b)[0, 1]
    return out


def collapse_table(
    model: nn.Module,
    signal: np.ndarray,
    target: np.ndarray,
    rhythm: np.ndarray | None = None,
    seeds: int = 3,
    steps: int = STEPS,
) -> dict[str, np.ndarray]:
    """What is left of the explanations while weights are shuffled, part by part from the output.

    Parameters
    ----------
    model, signal, target, rhythm, steps
        As in `integrated_gradients`.
    seeds : int
        How often the weights are shuffled anew.

    Returns
    -------
    dict of ndarray, shape (3, n)
        By what is shuffled (``"head"``, ``"head, attention"``, ...): the `rank_agreement` with the
        trained network's explanation, means over the seeds, in three ways: with sign; of absolute
        values; and of these divided by the beat's deflection from the flat line, which enters any
        network's attributions as a factor.
    """
    deflection = np.abs(signal - flat_lines(signal))
    asked = signal, target, rhythm, steps
    trained = _three_ways(integrated_gradients(model, *asked)[0], deflection)
    parts = [name for name, part in model.named_children() if any(True for _ in part.parameters())]
    names, out = parts[::-1], {}  # the one next to the output first
    for count in range(1, len(names) + 1):
        agreement = []
        for seed in range(seeds):
            broken = shuffled(model, names[:count], seed)
            other = integrated_gradients(broken, *asked)[0]
            pairs = zip(trained, _three_ways(other, deflection), strict=True)
            agreement.append([rank_agreement(a, b, signal) for a, b in pairs])
        out[", ".join(names[:count])] = np.mean(agreement, axis=0)
    return out


def _three_ways(parts: np.ndarray, deflection: np.ndarray) -> tuple[np.ndarray, ...]:
    """Attributions as `KINDS_OF_AGREEMENT` names them."""
    size = np.abs(parts)
    gradient = np.divide(size, deflection, out=np.zeros_like(size), where=deflection > 0)
    return parts, size, gradient
