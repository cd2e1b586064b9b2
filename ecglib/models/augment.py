"""Augmentation: changes of a beat that do not change its class, on whole batches.

All functions take and return beats of shape (batch, 187) in [0, 1] and draw from torch's global
generator, one draw per beat. The zero padding behind a beat stays zero, since its length tells
the RR interval.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ecglib.models.network import lengths


def smooth_curves(beats: Tensor, knots: int, spread: float) -> Tensor:
    """Random curves through a few normally distributed knots, shaped like ``beats``."""
    points = spread * torch.randn(len(beats), 1, knots, device=beats.device)
    return interpolate(points, size=beats.shape[1], mode="linear", align_corners=True).squeeze(1)


def resample(beats: Tensor, position: Tensor) -> Tensor:
    """Read beats at fractional sample positions, shape (batch, 187), by linear interpolation."""
    position = position.clamp(0, beats.shape[1] - 1)
    left = position.floor().long().clamp(max=beats.shape[1] - 2)
    fraction = position - left
    return beats.gather(1, left) * (1 - fraction) + beats.gather(1, left + 1) * fraction


def time_warp(beats: Tensor, stretch: float = 0.05, bend: float = 0.3) -> Tensor:
    """Stretch each beat by up to ± ``stretch`` and bend its time axis by about ``bend`` samples."""
    time = torch.arange(beats.shape[1], device=beats.device, dtype=beats.dtype)
    rate = 1 + stretch * (2 * torch.rand(len(beats), 1, device=beats.device) - 1)
    return resample(beats, time * rate + smooth_curves(beats, 5, bend))


def scale(beats: Tensor, spread: float = 0.04) -> Tensor:
    """Multiply by a gain that drifts along the beat, as electrode contact does."""
    return beats * (1 + smooth_curves(beats, 4, spread))


def jitter(beats: Tensor, noise: float = 0.005, wander: float = 0.01) -> Tensor:
    """Add white noise and a slow baseline wander to the samples before the padding."""
    inside = torch.arange(beats.shape[1], device=beats.device) < lengths(beats)
    added = noise * torch.randn_like(beats) + smooth_curves(beats, 3, wander)
    return torch.where(inside, beats + added, beats)


def roll(beats: Tensor, largest: int = 3) -> Tensor:
    """Shift each beat by up to ± ``largest`` samples, as an R peak marked early or late would."""
    shift = torch.randint(-largest, largest + 1, (len(beats), 1), device=beats.device)
    position = torch.arange(beats.shape[1], device=beats.device)
    return beats.gather(1, (position - shift) % beats.shape[1])


def augment(beats: Tensor, share: float = 0.7) -> Tensor:
    """Warp, scale and jitter a random share of the beats; the others pass unchanged."""
    chosen = torch.rand(len(beats), device=beats.device) < share
    changed = jitter(scale(time_warp(beats[chosen])))
    out = beats.clone()
    out[chosen] = changed
    return out


def augmented_copies(
    signal: Tensor, rhythm: Tensor, label: Tensor, copies: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """The beats followed by augmented copies, so many of each beat of N, S, V, F, Q.

    The copies are warped, scaled, jittered and shifted, as the published recipe does before
    training; their rhythm stays.
    """
    source = torch.repeat_interleave(torch.arange(len(label)), torch.tensor(copies)[label])
    if not len(source):
        return signal, rhythm, label
    changed = roll(jitter(scale(time_warp(signal[source]))))
    together = ((signal, changed), (rhythm, rhythm[source]), (label, label[source]))
    return tuple(torch.cat(pair) for pair in together)
