"""The trace of one beat, and what it shares with the trace of a recording.

Zoom and pan work in the browser. Colours other than those of classes suit light and dark pages.
"""

import bqplot
import ipywidgets as widgets
import numpy as np

from ecglib.apps.demo.state.reading import Reading
from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.labels import CLASS_COLOURS

WHOLE_BEAT = (-40.0, (BEAT_SAMPLES - 1) * 1000 / BEAT_FS)  # ms, with room for the R peak at 0
WITH_ONSET = (-300.0, WHOLE_BEAT[1])  # ms; a recorded trace includes the P wave
GREY, GREEN = "#8A8A8A", "#009E73"  # on light and dark pages; the green is of no class
PAPER, PAPER_FINE = "#D9534F", "#E9A8A5"


def lines(scales: dict, **traits) -> bqplot.Lines:
    return bqplot.Lines(x=np.zeros(1), y=np.full(1, np.nan), scales=scales, **traits)


def figure(marks: list, axes: list, x: bqplot.Scale, height: str) -> bqplot.Figure:
    return bqplot.Figure(
        marks=marks,
        axes=axes,
        # Along the time only, so that the trace stays in view.
        interaction=bqplot.PanZoom(scales={"x": [x]}),
        fig_margin={"top": 10, "bottom": 48, "left": 56, "right": 16},
        padding_y=0,
        max_aspect_ratio=100,
        min_aspect_ratio=0.01,
        display_toolbar=False,
        layout=widgets.Layout(width="100%", height=height, min_width="0"),
    )


def axis_y(scale: bqplot.Scale, label: str = "") -> bqplot.Axis:
    return bqplot.Axis(
        scale=scale, side="left", label=label, label_offset="3em", grid_lines="none",
        tick_format="~g",
    )  # fmt: skip


def put(mark: bqplot.Mark, x: np.ndarray, y: np.ndarray, **traits) -> None:
    """Give a mark new data in one message."""
    with mark.hold_sync():
        mark.x, mark.y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        for name, value in traits.items():
            setattr(mark, name, value)


def grid(
    x_range: tuple[float, float], y_range: tuple[float, float], x_step: float, y_step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Vertical lines, and horizontal ones unless `y_step` is 0, as one line with gaps."""
    vertical = np.arange(np.ceil(x_range[0] / x_step), x_range[1] / x_step + 1e-9) * x_step
    xs, ys = [np.repeat(vertical, 3)], [np.tile([*y_range, np.nan], len(vertical))]
    if y_step:
        horizontal = np.arange(np.ceil(y_range[0] / y_step), y_range[1] / y_step + 1e-9) * y_step
        xs.append(np.tile([*x_range, x_range[1]], len(horizontal)))
        ys.append((horizontal[:, None] + [0, 0, np.nan]).ravel())
    return np.concatenate(xs), np.concatenate(ys)


def set_range(scale: bqplot.Scale, axis: bqplot.Axis, low: float, high: float) -> None:
    """Show amplitudes from `low` to `high`, with at most five round ticks."""
    with scale.hold_sync():
        scale.min, scale.max = float(low), float(high)
    step = 10.0 ** np.floor(np.log10((high - low) / 2.5))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (m * step) <= 5)
    axis.tick_values = np.arange(np.ceil(low / step), high / step) * step


class Zoom:
    """A time axis that buttons can zoom and move."""

    def __init__(self, low: float, high: float):
        self.scale = bqplot.LinearScale(min=low, max=high)
        self.whole = (low, high)

    @property
    def span(self) -> tuple[float, float]:
        return float(self.scale.min), float(self.scale.max)

    def show(self, low: float, high: float) -> None:
        """Show the time from `low` to `high`."""
        with self.scale.hold_sync():
            self.scale.min, self.scale.max = float(low), float(high)

    def zoom(self, factor: float) -> None:
        """Show `factor` times the time, with the same middle."""
        low, high = self.span
        middle, half = (low + high) / 2, (high - low) / 2 * factor
        self.show(middle - half, middle + half)

    def pan(self, share: float) -> None:
        """Move by a share of the view."""
        low, high = self.span
        self.show(low + share * (high - low), high + share * (high - low))


class BeatTrace:
    """The trace of one beat over ms, with its padding and the attention behind it."""

    def __init__(self):
        self.x = Zoom(*WHOLE_BEAT)
        self.y = bqplot.LinearScale(min=-0.05, max=1.05)
        scales = {"x": self.x.scale, "y": self.y}
        filled = {"fill": "bottom", "stroke_width": 0, "fill_opacities": [0.25]}
        self.fine = lines(scales, colors=[PAPER_FINE], stroke_width=0.5, visible=False)
        self.coarse = lines(scales, colors=[PAPER], stroke_width=0.8, visible=False)
        self.before = lines(scales, **filled, colors=[GREY])
        self.padding = lines(scales, **filled, colors=[GREY])
        self.attention = lines(scales, **filled, colors=[GREEN], visible=False)
        self.trace = lines(scales, stroke_width=2)
        self.letter = bqplot.Label(
            x=np.zeros(1), y=np.zeros(1), scales=scales, text=[""], default_size=24,
            font_weight="bold", align="end",
        )  # fmt: skip
        self._axis_y = axis_y(self.y)
        self.figure = figure(
            [self.fine, self.coarse, self.before, self.padding, self.attention, self.trace,
             self.letter],
            [bqplot.Axis(scale=self.x.scale, label="time after the R peak (ms)",
                         label_offset="2.4em", tick_format="d",
                         grid_lines="none"), self._axis_y],
            self.x.scale,
            "300px",
        )  # fmt: skip
        self._raw = False

    def draw(self, reading: Reading, raw: bool, paper: bool) -> None:
        """Show a beat, as the network reads it or (`raw`) as recorded."""
        trace = reading.trace if raw else None
        used = reading.used
        end = used * 1000 / BEAT_FS
        if trace is None:
            ms, value = reading.ms[:used], reading.signal[:used]
            low, high, label = -0.05, 1.05, "amplitude (scaled)"
        else:
            ms, value = trace.ms, trace.value
            low, high = np.nanmin(value), np.nanmax(value)
            margin = 0.05 * max(float(high - low), 1e-9)
            low, high = low - margin, high + margin
            label = f"amplitude ({trace.unit})" if trace.unit else "amplitude (unit unknown)"
        if self._raw != (trace is not None):
            self._raw = trace is not None
            self.x.whole = WITH_ONSET if self._raw else WHOLE_BEAT
            self.x.show(*self.x.whole)
        set_range(self.y, self._axis_y, low, high)
        self._axis_y.label = label
        colour = CLASS_COLOURS[reading.predicted] if reading.readable else GREY
        put(self.trace, ms, value, colors=[colour])
        weight = reading.attention / reading.attention.max()
        put(self.attention, reading.ms, low + 0.5 * (high - low) * weight)
        put(self.padding, [end, max(end, WHOLE_BEAT[1])], [high, high])
        outside = [WITH_ONSET[0], 0] if self._raw else [0, 0]
        put(self.before, outside, [high, high])
        put(
            self.letter,
            [WHOLE_BEAT[1] - 20],
            [low + 0.86 * (high - low)],
            text=[reading.predicted or "~"],
            colors=[colour],
        )
        self._draw_paper(paper, low, high, 0.5 if trace is not None and trace.unit == "mV" else 0)

    def _draw_paper(self, paper: bool, low: float, high: float, millivolts: float) -> None:
        """Small squares of 40 ms and 0.1 mV, large ones of 200 ms and 0.5 mV."""
        self.fine.visible = self.coarse.visible = paper
        if paper:
            span = (WITH_ONSET[0], WHOLE_BEAT[1])
            put(self.fine, *grid(span, (low, high), 40, millivolts / 5))
            put(self.coarse, *grid(span, (low, high), 200, millivolts))
