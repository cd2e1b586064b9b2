"""What a step of training does with a batch of beats: losses, and their gradient."""

import math

import torch
from accelerate import Accelerator
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor, nn

from ecglib.models.augment import augment
from ecglib.models.recipes import Recipe, class_weights, focal_loss


class Steps:
    """The steps of one training.

    Parameters
    ----------
    accelerator : Accelerator
    network : Module
        As accelerate has prepared it.
    recipe : Recipe
    signal : Tensor, shape (n, 187)
        The training beats.
    rhythm : Tensor, shape (n, 6), optional
        For a network that reads it.
    label : Tensor, shape (n,)
    target : Tensor, shape (n, 5), optional
        What the network should answer, as probabilities; by default the label and nothing else.
    report : callable
        Gets a line of text when there is less memory than thought.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        network: nn.Module,
        recipe: Recipe,
        signal: Tensor,
        rhythm: Tensor | None,
        label: Tensor,
        target: Tensor | None,
        report=print,
    ):
        self._accelerator, self._network, self._recipe = accelerator, network, recipe
        self._signal, self._rhythm, self._label, self._target = signal, rhythm, label, target
        self._weight = class_weights(label, recipe.class_weight_power).to(accelerator.device)
        self._room = recipe.batch_size  # beats that the memory holds at once, as far as we know
        self._report = report

    def learn(self, chosen: Tensor, importance: Tensor) -> tuple[float, Tensor]:
        """Add the gradient of some beats to the network's.

        Where the memory ends, the beats go through it in parts, from then on. The gradient is that
        of the whole batch; batch normalisation sees the parts.

        Parameters
        ----------
        chosen : Tensor, int
            Numbers of the beats.
        importance : Tensor, shape (n,)
            Weight of each training beat.

        Returns
        -------
        loss : float
            Weighted mean over the beats.
        losses : Tensor, shape (len(chosen),)
            Of each, unweighted.
        """
        alone = self._accelerator.num_processes == 1  # others would wait for our gradient
        while True:
            try:
                return self._learn(chosen, importance)
            except RuntimeError as error:
                if not (should_reduce_batch_size(error) and alone and self._room >= 4):
                    raise
            self._room //= 2
            self._report(f"There is no memory for more: {self._room} beats at once from now on.")
            self._network.zero_grad()
            clear_device_cache(garbage_collection=True)

    def _learn(self, chosen: Tensor, importance: Tensor) -> tuple[float, Tensor]:
        """The same, as long as the memory lasts: with this call goes what it holds of it."""
        total, found = 0.0, []
        for part in chosen.tensor_split(math.ceil(len(chosen) / self._room)):
            losses = self._losses(part)
            loss = (losses * importance[part].to(self._accelerator.device)).mean()
            loss = loss * (len(part) / len(chosen))
            self._accelerator.backward(loss)
            total += float(loss.detach())
            found.append(losses.detach().float().cpu())
        return total, torch.cat(found)

    def _losses(self, chosen: Tensor) -> Tensor:
        """Losses of these beats, shape (n,), augmented anew."""
        device, recipe = self._accelerator.device, self._recipe
        x, y = self._signal[chosen].to(device), self._label[chosen].to(device)
        r = None if self._rhythm is None else self._rhythm[chosen].to(device)
        if recipe.augmented_share:
            x = augment(x, recipe.augmented_share)
        if r is not None:  # some without, so that a beat that comes alone is known, too
            r = r.masked_fill(torch.rand(len(r), 1, device=device) < recipe.no_rhythm, torch.nan)
        t = None if self._target is None else self._target[chosen].to(device)
        return focal_loss(self._network(x, r), y, recipe.focal_gamma, self._weight, t)
