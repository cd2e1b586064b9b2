"""A step of training: the gradient of a batch, also where the memory does not hold all of it."""

import pytest
import torch
from accelerate import Accelerator

from ecglib.models.network import CNNLSTM
from ecglib.models.recipes import Recipe
from ecglib.models.steps import Steps
from tiny_training import TINY, bumps, train

FULL = "CUDA out of memory. Tried to allocate 2.00 GiB."


class SmallMemory(CNNLSTM):
    """A network on a device that holds only so many beats while it learns."""

    def __init__(self, holds: int, message: str = FULL):
        super().__init__(TINY)
        self.holds, self.message = holds, message

    def forward(self, x, rhythm=None):
        if torch.is_grad_enabled() and len(x) > self.holds:
            raise torch.OutOfMemoryError(self.message)
        return super().forward(x, rhythm)


def gradient(holds: int, message: str = FULL) -> tuple[torch.Tensor, float, torch.Tensor, list]:
    """Of 21 beats: gradient, loss, losses, and what was said."""
    beats, lines = bumps()[:21], []
    torch.manual_seed(0)
    network = SmallMemory(holds, message).eval()  # nothing drawn, no statistics of the batch
    signal, label = torch.from_numpy(beats.signal), torch.from_numpy(beats.label)
    recipe = Recipe(batch_size=21, focal_gamma=1.0)
    accelerator = Accelerator(cpu=True)
    steps = Steps(accelerator, network, recipe, signal, None, label, None, lines.append)
    importance = torch.linspace(0.5, 1.5, 21)
    loss, losses = steps.learn(torch.arange(21), importance)
    assert losses @ importance / 21 == pytest.approx(loss)
    return torch.cat([p.grad.flatten() for p in network.parameters()]), loss, losses, lines


def test_a_batch_in_parts_has_the_gradient_of_the_whole():
    whole, loss, losses, lines = gradient(holds=21)
    assert lines == [] and whole.abs().max() > 0
    for holds, last in ((20, "10"), (6, "5")):
        parts, loss_of_parts, losses_of_parts, lines = gradient(holds)
        assert torch.allclose(parts, whole, rtol=1e-4, atol=1e-7)
        assert loss_of_parts == pytest.approx(loss) and torch.allclose(losses, losses_of_parts)
        assert lines[-1] == f"There is no memory for more: {last} beats at once from now on."


@pytest.mark.parametrize(("holds", "message"), [(1, FULL), (20, "something else")])
def test_other_errors_and_hopeless_ones_are_raised(holds, message):
    with pytest.raises(RuntimeError, match=message[:10]):
        gradient(holds, message)


def test_training_goes_on(monkeypatch):
    monkeypatch.setattr("tiny_training.CNNLSTM", lambda config: SmallMemory(holds=8))
    _, history, lines = train(bumps())
    assert history.train_loss.notna().all()
    assert sum("no memory" in line for line in lines) <= 3
