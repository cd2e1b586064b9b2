"""The trace of a recording in the demo: its beats in the colours of their classes, its rhythm."""

import bqplot
import numpy as np

from ecglib.apps.demo.state.recording import Strip
from ecglib.apps.demo.widgets.traces import (
    GREY,
    PAPER,
    PAPER_FINE,
    Zoom,
    axis_y,
    figure,
    grid,
    lines,
    put,
    set_range,
)
from ecglib.labels import CLASS_COLOURS, CLASSES

COLOURS = [*(CLASS_COLOURS[c] for c in CLASSES), GREY]  # the last, position -1: unreadable
LETTERS = [*CLASSES, "~"]
POINTS = 3000  # of the trace in view, with as many again on both sides
FIRST_VIEW_S = 10.0
FEW_BEATS = 80  # up to so many in view, all have a letter
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")  # N S V F Q


class StripTrace:
    """A recording's trace, every beat in the colour of its class, and the RR intervals below it."""

    def __init__(self):
        self.x = Zoom(0, FIRST_VIEW_S)
        self.y = bqplot.LinearScale(min=-1, max=1)
        self.y_rr = bqplot.LinearScale(min=0, max=2)
        scales = {"x": self.x.scale, "y": self.y}
        rr_scales = {"x": self.x.scale, "y": self.y_rr}
        self.fine = lines(scales, colors=[PAPER_FINE], stroke_width=0.5, visible=False)
        self.coarse = lines(scales, colors=[PAPER], stroke_width=0.8, visible=False)
        self.shown = lines(
            scales, fill="bottom", stroke_width=0, fill_opacities=[0.3], colors=[GREY]
        )
        self.traces = [lines(scales, colors=[colour], stroke_width=1.3) for colour in COLOURS]
        self.letters = bqplot.Label(
            x=np.zeros(1), y=np.zeros(1), scales=scales, text=[""], default_size=13,
            font_weight="bold", align="middle",
        )  # fmt: skip
        self.rr_line = lines(rr_scales, colors=[GREY], stroke_width=1)
        self.rr_marks = [
            bqplot.Scatter(
                x=np.zeros(1), y=np.full(1, np.nan), scales=rr_scales, colors=[colour],
                marker=shape, default_size=36,
            )
            for colour, shape in zip(COLOURS[:-1], SHAPES, strict=True)
        ]  # fmt: skip
        self._axis_y = axis_y(self.y)
        time = {"scale": self.x.scale, "grid_lines": "none"}
        self.figure = figure(
            [self.fine, self.coarse, self.shown, *self.traces, self.letters],
            [bqplot.Axis(**time, label="time (s)", label_offset="2.4em"), self._axis_y],
            self.x.scale,
            "260px",
        )
        self._axis_rr = axis_y(self.y_rr, "RR (s)")
        self.rhythm = figure(
            [self.rr_line, *self.rr_marks],
            [bqplot.Axis(**time), self._axis_rr],
            self.x.scale,
            "150px",
        )
        self.rhythm.fig_margin = self.rhythm.fig_margin | {"bottom": 24}
        self.strip: Strip | None = None
        self.drawn = (0.0, 0.0, 0.0)  # first and last second drawn, and the width of view it suits
        self._paper, self._beat = False, -1

    def load(self, strip: Strip) -> None:
        """Show another recording, from its beginning."""
        self.strip, self._beat = strip, -1
        low, high = (float(v) for v in np.nanpercentile(strip.signal(), [0.01, 99.99]))
        spread = max(high - low, 1e-9)
        set_range(self.y, self._axis_y, low - 0.08 * spread, high + 0.15 * spread)
        longest = np.nanpercentile(strip.rr, 99) if np.isfinite(strip.rr).any() else 1.0
        set_range(self.y_rr, self._axis_rr, 0, float(np.clip(1.5 * longest, 0.5, 5)))
        self._axis_y.label = f"{strip.lead} ({strip.unit or 'unit unknown'})"
        self.x.whole = (0.0, strip.seconds)
        self.drawn = (0.0, 0.0, 0.0)
        self.x.show(0, min(FIRST_VIEW_S, strip.seconds))
        self.refresh()

    def look_at(self, beat: int) -> None:
        """Mark a beat and bring it into view, unless it is marked already."""
        time = float(self.strip.time[beat])
        if beat == self._beat:
            return
        self._beat = beat
        low, high = self.x.span
        if not low + 0.05 * (high - low) <= time <= high - 0.15 * (high - low):
            self._centre_on(time, min(high - low, FIRST_VIEW_S))
        put(self.shown, [max(time - 0.12, 0), time + 0.3], [self.y.max, self.y.max])
        self.refresh()

    def centre(self) -> None:
        """Bring the marked beat to the middle."""
        if self.strip is not None:
            self._centre_on(float(self.strip.time[self._beat]), FIRST_VIEW_S)

    def _centre_on(self, time: float, width: float) -> None:
        """Bring a time to the middle, or as near as the recording's ends allow."""
        start = max(min(time - width / 2, self.strip.seconds - width), 0.0)
        self.x.show(start, start + width)

    def set_paper(self, paper: bool) -> None:
        """Draw on ECG paper, or not."""
        if paper != self._paper:
            self._paper, self.drawn = paper, (0.0, 0.0, 0.0)
            self.refresh()

    def refresh(self) -> None:
        """Draw the view and as much on both sides, unless this is drawn already."""
        if self.strip is None:
            return
        low, high = self.x.span
        width = high - low
        start, stop, made_for = self.drawn
        near = start <= max(low, 0) and min(high, self.strip.seconds) <= stop
        if near and 0.5 * made_for <= width <= 1.5 * made_for:
            return
        start, stop = max(low - width, 0.0), min(high + width, self.strip.seconds)
        self.drawn = (start, stop, width)
        self._draw_trace(start, stop)
        self._draw_beats(start, stop, width)
        self._draw_paper(start, stop, width)

    def _draw_trace(self, start: float, stop: float) -> None:
        time, value = self.strip.window(start, stop, 2 * POINTS)
        owner = self.strip.owner(time)
        predicted = np.where(owner < 0, -1, self.strip.predicted[owner]) % len(COLOURS)
        for k, mark in enumerate(self.traces):
            mine = predicted == k
            mine[1:] |= mine[:-1].copy()  # each piece reaches to the first point of the next
            if mine.any():
                put(mark, *_with_gaps(time, value, mine))
            elif len(mark.x) > 1:
                put(mark, np.zeros(1), np.full(1, np.nan))

    def _draw_beats(self, start: float, stop: float, width: float) -> None:
        """Letters above the beats and their RR intervals, while they don't overlap."""
        time, predicted, rr = self.strip.time, self.strip.predicted, self.strip.rr
        inside = np.flatnonzero((time >= start) & (time <= stop))
        known = inside[np.isfinite(rr[inside])]
        put(self.rr_line, time[known], rr[known])
        few = len(inside) <= 3 * FEW_BEATS
        lettered = inside if few else inside[predicted[inside] != 0]
        if len(lettered) > 3 * FEW_BEATS:
            lettered = lettered[:0]
        top = np.full(len(lettered), self.y.max - 0.05 * (self.y.max - self.y.min))
        put(
            self.letters, time[lettered], top,
            text=[LETTERS[k] for k in predicted[lettered]],
            colors=[COLOURS[k] for k in predicted[lettered]],
        )  # fmt: skip
        for k, mark in enumerate(self.rr_marks):
            mine = lettered[(predicted[lettered] == k) & np.isfinite(rr[lettered])]
            put(mark, time[mine], rr[mine])

    def _draw_paper(self, start: float, stop: float, width: float) -> None:
        """Small squares in views up to 12 s, large ones in views up to a minute."""
        self.fine.visible = self._paper and width < 12
        self.coarse.visible = self._paper and width < 60
        y_range = (float(self.y.min), float(self.y.max))
        step = 0.5 if self.strip.unit == "mV" else 0
        for mark, x_step, y_step in ((self.fine, 0.04, step / 5), (self.coarse, 0.2, step)):
            if mark.visible:
                put(mark, *grid((start, stop), y_range, x_step, y_step))


def _with_gaps(
    time: np.ndarray, value: np.ndarray, mine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Some points of a line, with a gap where points between them are left out."""
    index = np.flatnonzero(mine)
    breaks = np.flatnonzero(np.diff(index) > 1) + 1
    x = np.insert(time[index], breaks, time[index[breaks]])
    return x, np.insert(value[index], breaks, np.nan)
