"""Explanations of a network's predictions: integrated gradients, and a test of their validity.

Integrated gradients (Sundararajan et al. 2017) follow a straight line from a baseline to the beat
and add up the effect of every sample on the logit of a class. The attributions sum to the
difference of the two logits. The baseline is a flat line at the beat's median, as long as the
beat: the start of the padding, which encodes the RR intervals, is the same in both and gets no
share.

An explanation that survives shuffling the network's weights explains the input, not the network
(Adebayo et al. 2018); `randomisation_test` measures this.
"""

from copy import deepcopy

import numpy as np
import torch
from captum.attr import IntegratedGradients
from scipy.stats import rankdata
from torch import nn

STEPS = 64
BATCH = 512  # points computed at once: the deep network needs 1 MB for each
KINDS_OF_AGREEMENT = ("with sign", "absolute", "absolute, per deflection")


def flat_lines(signal: np.ndarray) -> np.ndarray:
    """The baselines, shape (n, 187): flat lines at each beat's median, zero in the padding."""
    inside = inside_beat(signal)
    median = np.nanmedian(np.where(inside, signal, np.nan), axis=1, keepdims=True)
    return np.where(inside, median, 0).astype(np.float32)


def inside_beat(signal: np.ndarray) -> np.ndarray:
    """Mask, shape (n, 187), of the samples before the padding."""
    used = signal.shape[1] - (signal[:, ::-1] != 0).argmax(axis=1)
    return np.arange(signal.shape[1]) < used[:, None]


def integrated_gradients(
    model: nn.Module,
    signal: np.ndarray,
    target: np.ndarray,
    rhythm: np.ndarray | None = None,
    steps: int = STEPS,
) -> tuple[np.ndarray, np.ndarray]:
    """Contribution of every sample to the logit of a class.

    Parameters
    ----------
    model : Module
        (n, 187) => (n, 5) logits, such as ``Classifier.model``.
    signal : ndarray, shape (n, 187)
    target : ndarray, shape (n,), int
        The explained class of each beat.
    rhythm : ndarray, shape (n, 6), optional
        For a network with rhythm features; they stay constant and get no share.
    steps : int
        Points between the baseline and the beat.

    Returns
    -------
    attribution : ndarray, shape (n, 187)
        In units of the logit: positive for the class, negative against it.
    error : ndarray, shape (n,)
        Sum of the attributions minus the difference of the two logits.
    """
    model.eval()
    beats = torch.from_numpy(np.ascontiguousarray(signal, dtype=np.float32))
    baseline = torch.from_numpy(flat_lines(signal))
    constant = None if rhythm is None else torch.from_numpy(np.asarray(rhythm, dtype=np.float32))
    attribution, error = IntegratedGradients(model.forward).attribute(
        beats, baseline, torch.as_tensor(target), constant, n_steps=steps,
        internal_batch_size=BATCH, return_convergence_delta=True,
    )  # fmt: skip
    return attribution.detach().numpy(), error.detach().numpy()


def shuffled(model: nn.Module, layers: list[str], seed: int = 0) -> nn.Module:
    """A copy of the model whose weights are shuffled within each array of these layers."""
    generator = torch.Generator().manual_seed(seed)
    copy = deepcopy(model)
    with torch.no_grad():
        for layer in layers:
            for weights in copy.get_submodule(layer).parameters():
                order = torch.randperm(weights.numel(), generator=generator)
                weights.copy_(weights.flatten()[order].view_as(weights))
    return copy


def rank_agreement(first: np.ndarray, second: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of two explanations, shape (n,); NaN where one is constant."""
    out = np.full(len(signal), np.nan)
    for row, inside in enumerate(inside_beat(signal)):
        a, b = (rankdata(each[row, inside]) for each in (first, second))
        if np.ptp(a) > 0 and np.ptp(b) > 0:
            out[row] = np.corrcoef(a, b)[0, 1]
    return out


def randomisation_test(
    model: nn.Module,
    signal: np.ndarray,
    target: np.ndarray,
    rhythm: np.ndarray | None = None,
    seeds: int = 3,
    steps: int = STEPS,
) -> dict[str, np.ndarray]:
    """Agreement of explanations before and after shuffling weights, layer by layer.

    Parameters
    ----------
    model, signal, target, rhythm, steps
        As in `integrated_gradients`.
    seeds : int
        Number of random orders.

    Returns
    -------
    dict of ndarray, shape (3, n)
        By the shuffled layers, from the output backwards (``"head"``, ``"head, attention"``, ...):
        rank correlation with the trained network's explanation, mean over the seeds, in the three
        `KINDS_OF_AGREEMENT`. The third divides by the deflection from the flat line, which is a
        factor of any network's attributions.
    """
    deflection = np.abs(signal - flat_lines(signal))
    inputs = signal, target, rhythm, steps
    trained = _three_ways(integrated_gradients(model, *inputs)[0], deflection)
    layers = [name for name, layer in model.named_children() if [*layer.parameters()]]
    names, out = layers[::-1], {}  # from the output backwards
    for count in range(1, len(names) + 1):
        agreement = []
        for seed in range(seeds):
            broken = shuffled(model, names[:count], seed)
            other = integrated_gradients(broken, *inputs)[0]
            pairs = zip(trained, _three_ways(other, deflection), strict=True)
            agreement.append([rank_agreement(a, b, signal) for a, b in pairs])
        out[", ".join(names[:count])] = np.mean(agreement, axis=0)
    return out


def _three_ways(attribution: np.ndarray, deflection: np.ndarray) -> tuple[np.ndarray, ...]:
    """The attributions in the three `KINDS_OF_AGREEMENT`."""
    size = np.abs(attribution)
    gradient = np.divide(size, deflection, out=np.zeros_like(size), where=deflection > 0)
    return attribution, size, gradient
