"""The CNN-LSTM with attention: ``deep``, the published one, ``compact``, and ``rhythm``.

Convolutions find the shapes of a beat, the LSTM reads them in time order, and attention decides
which moments count. ``compact`` strides where ``deep`` pools and ends with a smaller head, at a
twelfth of the cost. ``rhythm`` is ``compact`` that also reads the RR intervals around the beat. An
ensemble averages several networks.
"""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ecglib.beats.beats import BEAT_SAMPLES
from ecglib.beats.rhythm import RHYTHM
from ecglib.labels import CLASSES

RHYTHM_UNITS = 32
SLOPE_GAIN = 10  # brings the spread of the differences near that of the standardised beat


@dataclass(frozen=True)
class ModelConfig:
    """Everything that is needed to build a network; stored in its model card."""

    channels: tuple[int, ...]  # of each convolution
    kernels: tuple[int, ...]  # odd and padded, so only strides and pools shorten
    strides: tuple[int, ...]
    pools: tuple[bool, ...]  # whether max pooling by 2 follows each convolution
    lstm_units: int  # per direction of the bidirectional LSTM
    lstm_layers: int
    head: tuple[int, ...]  # widths of the dense layers before the last one
    dropout: float  # in the head, and between LSTM layers
    slope: bool = False  # the first convolution also sees the slope and where the padding begins
    rhythm: bool = False  # the dense layers also see the rhythm features

    def to_dict(self) -> dict:
        """The settings as JSON can hold them."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, settings: dict) -> "ModelConfig":
        """The inverse of :meth:`to_dict`."""
        return cls(**{n: tuple(v) if isinstance(v, list) else v for n, v in settings.items()})


CONFIGS = {
    "compact": ModelConfig(
        channels=(32, 64, 128, 128),
        kernels=(7, 5, 5, 3),
        strides=(2, 2, 2, 1),
        pools=(False, False, False, False),
        lstm_units=64,
        lstm_layers=1,
        head=(64,),
        dropout=0.2,
        slope=True,
    ),
    "deep": ModelConfig(
        channels=(64, 128, 256, 512),
        kernels=(7, 5, 3, 3),
        strides=(1, 1, 1, 1),
        pools=(True, True, True, False),
        lstm_units=192,
        lstm_layers=2,
        head=(256, 128, 64),
        dropout=0.45,
    ),
}
CONFIGS["rhythm"] = replace(CONFIGS["compact"], rhythm=True)


def lengths(beats: Tensor) -> Tensor:
    """Number of samples before the padding of each row, shape (batch, 1)."""
    position = torch.arange(1, beats.shape[1] + 1, device=beats.device)
    return (position * (beats != 0)).amax(dim=1, keepdim=True)


class CNNLSTM(nn.Module):
    """Convolutions, a bidirectional LSTM, attention over time, dense layers.

    The buffers ``mean`` and ``scale`` hold the standardisation fitted on the training beats and
    ``temperature`` the calibration fitted on the validation beats, so that weights never travel
    without them.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(BEAT_SAMPLES))
        self.register_buffer("scale", torch.ones(BEAT_SAMPLES))
        self.register_buffer("temperature", torch.ones(()))
        blocks, width = [], 3 if config.slope else 1
        for channels, kernel, stride, pool in zip(
            config.channels, config.kernels, config.strides, config.pools, strict=True
        ):
            blocks += [nn.Conv1d(width, channels, kernel, stride, padding=kernel // 2)]
            blocks += [nn.BatchNorm1d(channels), nn.ReLU()]
            blocks += [nn.MaxPool1d(2)] if pool else []
            width = channels
        self.convolutions = nn.Sequential(*blocks)
        self.lstm = nn.LSTM(
            width,
            config.lstm_units,
            config.lstm_layers,
            batch_first=True,
            bidirectional=True,
            dropout=config.dropout if config.lstm_layers > 1 else 0.0,
        )
        width = 2 * config.lstm_units
        self.attention = nn.Linear(width, 1)
        if config.rhythm:
            self.register_buffer("rhythm_mean", torch.zeros(len(RHYTHM)))
            self.register_buffer("rhythm_scale", torch.ones(len(RHYTHM)))
            # one more input: whether the preceding interval is known
            self.rhythm = nn.Sequential(nn.Linear(len(RHYTHM) + 1, RHYTHM_UNITS), nn.ReLU())
            width += RHYTHM_UNITS
        dense = []
        for units in config.head:
            dense += [nn.Linear(width, units), nn.BatchNorm1d(units), nn.ReLU()]
            dense += [nn.Dropout(config.dropout)]
            width = units
        self.head = nn.Sequential(*dense, nn.Linear(width, len(CLASSES)))

    @property
    def architecture(self) -> dict:
        """The settings that a model card keeps, to build the network again."""
        return self.config.to_dict()

    def forward(self, beats: Tensor, rhythm: Tensor | None = None) -> Tensor:
        """Logits, shape (batch, 5), of beats, shape (batch, 187), and rhythm, shape (batch, 6).

        Without rhythm features, and where they are NaN, the beat alone decides.
        """
        return self.forward_with_attention(beats, rhythm)[0]

    def forward_with_attention(
        self, beats: Tensor, rhythm: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits, shape (batch, 5), and attention weights, shape (batch, steps), rows sum to 1."""
        x = self.inputs(beats)  # (B, 187) => (B, 1 or 3, 187)
        x = self.convolutions(x).transpose(1, 2)  # => (B, steps, channels)
        x, _ = self.lstm(x)  # => (B, steps, 2 * units)
        weights = self.attention(x).squeeze(-1).softmax(dim=1)  # => (B, steps)
        x = torch.bmm(weights.unsqueeze(1), x).squeeze(1)  # => (B, 2 * units)
        if self.config.rhythm:
            x = torch.cat([x, self.read_rhythm(beats, rhythm)], dim=1)  # => (B, 2 * units + 32)
        return self.head(x), weights

    def read_rhythm(self, beats: Tensor, rhythm: Tensor | None) -> Tensor:
        """The rhythm standardised and through a dense layer, shape (batch, 32)."""
        if rhythm is None:
            rhythm = beats.new_full((len(beats), len(RHYTHM)), torch.nan)
        known = torch.isfinite(rhythm)
        standardised = (rhythm - self.rhythm_mean) / self.rhythm_scale
        standardised = torch.where(known, standardised, 0.0)
        return self.rhythm(torch.cat([standardised, known[:, :1].to(beats.dtype)], dim=1))

    def inputs(self, beats: Tensor) -> Tensor:
        """The standardised beat; with ``slope`` also its first difference, and a mask that is 0 in
        the padding."""
        standardised = (beats - self.mean) / self.scale
        if not self.config.slope:
            return standardised.unsqueeze(1)
        slope = SLOPE_GAIN * (beats - torch.cat([beats[:, :1], beats[:, :-1]], dim=1))
        inside = torch.arange(beats.shape[1], device=beats.device) < lengths(beats)
        return torch.stack([standardised, slope, inside.to(beats.dtype)], dim=1)

    def fit_standardisation(self, signal: Tensor, rhythm: Tensor | None = None) -> None:
        """Take mean and standard deviation of every input from training beats."""
        self.mean.copy_(signal.mean(dim=0))
        # A sample that never varies would be divided by zero; scikit-learn's scaler uses 1 too.
        deviation = signal.std(dim=0, unbiased=False)
        self.scale.copy_(torch.where(deviation > 1e-6, deviation, 1.0))
        if self.config.rhythm and rhythm is not None:
            rhythm = rhythm[torch.isfinite(rhythm).all(dim=1)]
            if len(rhythm) > 1:
                self.rhythm_mean.copy_(rhythm.mean(dim=0))
                self.rhythm_scale.copy_(rhythm.std(dim=0).clamp(min=1e-6))


class Ensemble(nn.Module):
    """Networks of one kind, used like one `CNNLSTM`; their probabilities are averaged."""

    def __init__(self, networks: list[CNNLSTM]):
        super().__init__()
        self.config = networks[0].config
        self.register_buffer("temperature", torch.ones(()))
        self.networks = nn.ModuleList(networks)

    @property
    def architecture(self) -> dict:
        """As `CNNLSTM.architecture`, with the number of ``networks``."""
        return self.networks[0].architecture | {"networks": len(self.networks)}

    def forward(self, beats: Tensor, rhythm: Tensor | None = None) -> Tensor:
        """Logarithms of the mean probabilities, shape (batch, 5); see `CNNLSTM.forward`."""
        return self.forward_with_attention(beats, rhythm)[0]

    def forward_with_attention(
        self, beats: Tensor, rhythm: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits, shape (batch, 5), and the mean attention, shape (batch, steps)."""
        answers = [network.forward_with_attention(beats, rhythm) for network in self.networks]
        logits, attention = (torch.stack(part) for part in zip(*answers, strict=True))
        together = logits.log_softmax(dim=2).logsumexp(dim=0) - math.log(len(self.networks))
        return together, attention.mean(dim=0)


def build_model(name: str) -> CNNLSTM:
    """A new network with random weights.

    Parameters
    ----------
    name : {"compact", "deep", "rhythm"}

    Returns
    -------
    CNNLSTM

    Raises
    ------
    ValueError
        There is no such architecture.
    """
    if name not in CONFIGS:
        raise ValueError(f"There is no architecture '{name}'. Choose from {', '.join(CONFIGS)}.")
    return CNNLSTM(CONFIGS[name])


def predict_logits(
    model: CNNLSTM | Ensemble,
    signal: np.ndarray,
    rhythm: np.ndarray | None = None,
    batch_size: int = 2048,
) -> Tensor:
    """Logits, shape (n, 5), float32, of beats, shape (n, 187), and rhythm, shape (n, 6)."""
    device = next(model.parameters()).device
    model.eval()
    inputs = [signal] if rhythm is None or not model.config.rhythm else [signal, rhythm]
    batches = [torch.from_numpy(np.ascontiguousarray(x)).split(batch_size) for x in inputs]
    with torch.inference_mode():
        logits = [model(*(x.to(device) for x in batch)) for batch in zip(*batches, strict=True)]
        return torch.cat([part.float().cpu() for part in logits])


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def layer_table(model: CNNLSTM) -> pd.DataFrame:
    """Layers in the order in which a beat passes them: output shape and parameters.

    Parameters
    ----------
    model : CNNLSTM

    Returns
    -------
    DataFrame
        One row a layer: ``layer``, ``output`` (channels × steps before the LSTM, steps × units
        after it), ``parameters``. Normalisation, activation and dropout, which keep the shape,
        are left out.
    """
    rows, hooks = [], []

    def note(layer: nn.Module, _, output) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        shape = " × ".join(map(str, tensor.shape[1:]))
        rows.append((type(layer).__name__, shape, count_parameters(layer)))

    for layer in model.modules():
        if isinstance(layer, nn.Conv1d | nn.MaxPool1d | nn.LSTM | nn.Linear):
            hooks.append(layer.register_forward_hook(note))
    predict_logits(model, np.zeros((1, BEAT_SAMPLES), dtype=np.float32))
    for hook in hooks:
        hook.remove()
    return pd.DataFrame(rows, columns=["layer", "output", "parameters"])
