"""The CNN-LSTM with attention, in two sizes: ``deep``, the published one, and ``compact``.

Convolutions find the shapes of a beat, the LSTM reads them in time order, and attention decides
which moments count. ``compact`` strides where ``deep`` pools and ends with a smaller head, at a
twelfth of the cost.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ecglib.beats import BEAT_SAMPLES
from ecglib.labels import CLASSES

SLOPE_GAIN = 10  # brings the spread of the differences near that of the standardised beat


@dataclass(frozen=True)
class ModelConfig:
    """Everything that is needed to build a network; stored in its model card.

    Attributes
    ----------
    channels, kernels, strides : tuple of int
        Of each convolution. Kernels are odd and padded, so only strides and pools shorten.
    pools : tuple of bool
        Whether max pooling by 2 follows each convolution.
    lstm_units, lstm_layers : int
        Units per direction of the bidirectional LSTM, and its layers.
    head : tuple of int
        Widths of the dense layers before the last one.
    dropout : float
        In the head, and between LSTM layers.
    slope : bool
        Show the first convolution the beat's slope and where its padding begins, too.
    """

    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    pools: tuple[bool, ...]
    lstm_units: int
    lstm_layers: int
    head: tuple[int, ...]
    dropout: float
    slope: bool = False

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


def lengths(beats: Tensor) -> Tensor:
    """How many samples of each row come before the padding, shape (batch, 1)."""
    position = torch.arange(1, beats.shape[1] + 1, device=beats.device)
    return (position * (beats != 0)).amax(dim=1, keepdim=True)


class CNNLSTM(nn.Module):
    """Convolutions, a bidirectional LSTM, attention over time, dense layers.

    The buffers ``mean`` and ``scale`` hold the standardisation fitted on the training beats and
    ``temperature`` the calibration fitted on the validation beats, so that weights never travel
    without them.

    Parameters
    ----------
    config : ModelConfig
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
        dense = []
        for units in config.head:
            dense += [nn.Linear(width, units), nn.BatchNorm1d(units), nn.ReLU()]
            dense += [nn.Dropout(config.dropout)]
            width = units
        self.head = nn.Sequential(*dense, nn.Linear(width, len(CLASSES)))

    def forward(self, beats: Tensor) -> Tensor:
        """Logits, shape (batch, 5), of beats, shape (batch, 187), in [0, 1]."""
        return self.forward_with_attention(beats)[0]

    def forward_with_attention(self, beats: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, shape (batch, 5), and attention weights, shape (batch, steps), rows sum to 1."""
        x = self.inputs(beats)  # (B, 187) => (B, 1 or 3, 187)
        x = self.convolutions(x).transpose(1, 2)  # => (B, steps, channels)
        x, _ = self.lstm(x)  # => (B, steps, 2 * units)
        weights = self.attention(x).squeeze(-1).softmax(dim=1)  # => (B, steps)
        x = torch.bmm(weights.unsqueeze(1), x).squeeze(1)  # => (B, 2 * units)
        return self.head(x), weights

    def inputs(self, beats: Tensor) -> Tensor:
        """What the first convolution sees: the standardised beat, and with ``slope`` its first
        difference and 1 up to the padding, 0 in it."""
        standardised = (beats - self.mean) / self.scale
        if not self.config.slope:
            return standardised.unsqueeze(1)
        slope = SLOPE_GAIN * torch.diff(beats, dim=1, prepend=beats[:, :1])
        inside = torch.arange(beats.shape[1], device=beats.device) < lengths(beats)
        return torch.stack([standardised, slope, inside.to(beats.dtype)], dim=1)

    def fit_standardisation(self, signal: Tensor) -> None:
        """Take mean and standard deviation of each of the 187 samples from training beats.

        Parameters
        ----------
        signal : Tensor, shape (n, 187)
        """
        self.mean.copy_(signal.mean(dim=0))
        # A sample that never varies would be divided by zero; scikit-learn's scaler uses 1 too.
        deviation = signal.std(dim=0, unbiased=False)
        self.scale.copy_(torch.where(deviation > 1e-6, deviation, 1.0))


def build_model(name: str) -> CNNLSTM:
    """A new network: ``"compact"`` or ``"deep"``.

    Raises
    ------
    ValueError
        There is no such architecture.
    """
    if name not in CONFIGS:
        raise ValueError(f"There is no architecture '{name}'. Choose from {', '.join(CONFIGS)}.")
    return CNNLSTM(CONFIGS[name])


def predict_logits(model: CNNLSTM, signal: np.ndarray, batch_size: int = 2048) -> Tensor:
    """Logits, shape (n, 5), float32, of beats, shape (n, 187), a batch at a time."""
    device = next(model.parameters()).device
    model.eval()
    with torch.inference_mode():
        batches = torch.from_numpy(np.ascontiguousarray(signal)).split(batch_size)
        return torch.cat([model(batch.to(device)).float().cpu() for batch in batches])


def count_parameters(model: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def layer_table(model: CNNLSTM) -> pd.DataFrame:
    """Layers in the order in which a beat meets them: output shape and parameters.

    Returns
    -------
    DataFrame
        One row a layer: ``layer``, ``output`` (channels × steps before the LSTM, steps × units
        from there on), ``parameters``. Normalisation, activation and dropout, which keep the
        shape, are left out.
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
