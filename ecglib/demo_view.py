"""What the demo looks like: widgets that show a reading, and know neither beats nor classifier."""

from html import escape

import bqplot
import ipywidgets as widgets
import numpy as np

from ecglib.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.demo_state import EVERY, ORDERS, VERDICTS, Reading
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES
from ecglib.uploads import MAX_MB

NOTICE = "Education and research only, not a medical device."
STEP = 0.01  # of the slider
NOTHING = "No beat fits this choice: choose another class, or right and wrong alike."
WHOLE_BEAT = (-40.0, (BEAT_SAMPLES - 1) * 1000 / BEAT_FS)  # ms, with room for the R peak at 0
ROW = widgets.Layout(flex_flow="row wrap", align_items="center", width="100%")
# Colours of the page's own theme, so that light and dark both work; the second is for elsewhere.
INK, LINE = "var(--jp-ui-font-color1, #222)", "var(--jp-border-color1, #999)"
FIELD = "var(--jp-layout-color2, #eee)"
ALARM = "#B00020"
GREY, GREEN = "#7A7A7A", "#009E73"  # readable on light and dark; no class has the green


class DemoView(widgets.VBox):
    """The demo's controls and displays.

    Controls are public attributes (``class_name``, ``verdict``, ``order``, ``previous``, ``next``,
    ``random``, ``whole``, ``with_attention``, ``threshold``, ``upload``, ``back``), for whoever
    joins them with a state.

    Parameters
    ----------
    threshold : float
        Where the slider stands at first.
    cautions : list of str
        Sentences that are always in sight, below the notice.
    """

    def __init__(self, threshold: float, cautions: list[str]):
        notice = "".join(f"<div>{escape(text)}</div>" for text in cautions)
        self.notice = widgets.HTML(
            f'<div role="note" style="border:2px solid {LINE};padding:4px 10px;color:{INK};'
            f'line-height:1.5"><b>{NOTICE}</b>{notice}</div>'
        )
        classes = [(f"{c} {CLASS_NAMES[c]}", c) for c in CLASSES]
        self.class_name = _dropdown("Class", [("all classes", EVERY), *classes])
        verdicts = [(v if v != EVERY else "right and wrong", v) for v in VERDICTS]
        self.verdict = _dropdown("Classified", verdicts)
        self.order = _dropdown("Order", [(order, order) for order in ORDERS])
        self.previous = _button("← Previous", "the beat before this one")
        self.next = _button("Next →", "the beat after this one")
        self.random = _button("Random", "any other beat of this choice")
        self.position = widgets.HTML()
        self.whole = _button("Whole beat", "undo zoom and pan")
        self.with_attention = widgets.Checkbox(
            description="Green: attention",
            indent=False,
            layout=widgets.Layout(width="auto"),
        )
        self.threshold = widgets.FloatSlider(
            threshold, min=0, max=1, step=STEP, readout_format=".0%", description="Uncertain below",
            style={"description_width": "initial"},
            layout=widgets.Layout(width="380px", max_width="100%"),
        )  # fmt: skip
        self.summary = widgets.HTML()
        self.upload = widgets.FileUpload(
            accept=".csv,.txt", description="Your beats",
            tooltip=f"a CSV or text file, at most {MAX_MB} MB", icon="",
        )  # fmt: skip
        self.back = _button("Back to the test beats", "leave the uploaded file", disabled=True)
        self.message = widgets.HTML()
        self.result, self.bars = widgets.HTML(), widgets.HTML()
        self._build_trace()

        hint = f"One beat a row: {BEAT_SAMPLES} numbers, then its label if known. Max. {MAX_MB} MB."
        hand = _text("Wheel: zoom. Drag: move. Grey: padding.")
        left = widgets.VBox(
            [self.figure, _row(self.whole, hand, self.with_attention)],
            layout=widgets.Layout(flex="3 1 420px", min_width="0"),
        )
        right = widgets.VBox(
            [self.result, self.bars], layout=widgets.Layout(flex="2 1 300px", min_width="0")
        )
        self.body = widgets.Box([left, right])
        self.body.layout = widgets.Layout(flex_flow="row wrap", align_items="flex-start")
        super().__init__(
            [
                self.notice,
                _row(self.class_name, self.verdict, self.order),
                _row(self.previous, self.next, self.random, self.position),
                self.message,
                self.body,
                _row(self.threshold, self.summary),
                _row(self.upload, self.back, _text(hint)),
            ],
            layout=widgets.Layout(max_width="1100px"),
        )

    def _build_trace(self) -> None:
        """The zoomable trace, with the padding and the attention behind it."""
        self.x = bqplot.LinearScale(min=WHOLE_BEAT[0], max=WHOLE_BEAT[1])
        y = bqplot.LinearScale(min=-0.05, max=1.05)
        scales = {"x": self.x, "y": y}
        empty = {"x": np.zeros(1), "y": np.zeros(1), "scales": scales}
        filled = {"fill": "bottom", "stroke_width": 0, "fill_opacities": [0.25]}
        self.padding = bqplot.Lines(**empty, **filled, colors=[GREY])
        self.attention = bqplot.Lines(**empty, **filled, colors=[GREEN], visible=False)
        self.trace = bqplot.Lines(**empty, stroke_width=2)
        self.letter = bqplot.Label(**empty, text=[""], default_size=24)
        self.figure = bqplot.Figure(
            marks=[self.padding, self.attention, self.trace, self.letter],
            axes=[
                bqplot.Axis(scale=self.x, label="time after the R peak (ms)", tick_format="d"),
                bqplot.Axis(scale=y, side="left", label="amplitude", tick_values=[0, 0.5, 1]),
            ],
            # Along the time only, so that the trace cannot be lost above or below.
            interaction=bqplot.PanZoom(scales={"x": [self.x]}),
            fig_margin={"top": 10, "bottom": 45, "left": 50, "right": 20},
            max_aspect_ratio=100,
            display_toolbar=False,
            layout=widgets.Layout(width="100%", height="300px", min_width="0"),
        )

    def show_whole_beat(self) -> None:
        """Undo zoom and pan."""
        with self.x.hold_sync():
            self.x.min, self.x.max = WHOLE_BEAT

    def show(self, reading: Reading | None, position: str, summary: str) -> None:
        """Show a beat, or say that there is none.

        Parameters
        ----------
        reading : Reading or None
        position : str
            Which of how many beats it is.
        summary : str
            How the classifier fares on all of them.
        """
        self.body.layout.display = "none" if reading is None else None
        for button in (self.previous, self.next, self.random):
            button.disabled = reading is None
        self.summary.value = _span(summary)
        if reading is None:
            self.position.value = _span(NOTHING)
            return
        self.position.value = _span(f"{position}: {reading.where}")
        self.result.value, self.bars.value = result_html(reading), bars_html(reading)
        self._draw(reading)

    def _draw(self, reading: Reading) -> None:
        ms, used = reading.ms, reading.used
        end = ms[min(used, len(ms) - 1)]  # where the padding begins
        colour = CLASS_COLOURS[reading.said]
        with self.trace.hold_sync():
            self.trace.x, self.trace.y = ms[:used], reading.signal[:used].astype(float)
            self.trace.colors = [colour]
        with self.attention.hold_sync():  # its peak at half the height, so as not to bury the trace
            weight = reading.attention / reading.attention.max()
            self.attention.x, self.attention.y = ms, 0.5 * weight - 0.05
        with self.padding.hold_sync():
            self.padding.x, self.padding.y = np.array([end, ms[-1]]), np.full(2, 1.05)
        with self.letter.hold_sync():
            self.letter.x, self.letter.y = np.array([60]), np.array([0.9])
            self.letter.text, self.letter.colors = [reading.said], [colour]

    def say(self, text: str, error: bool = False) -> None:
        """Write into the message area; an empty text clears it."""
        colour, word, role = (ALARM, "Error: ", "alert") if error else (LINE, "", "status")
        style = f"border-left:6px solid {colour};padding:2px 10px;color:{INK};line-height:1.5"
        told = f'<div role="{role}" style="{style}"><b>{word}</b>{escape(text)}</div>'
        self.message.value = told if text else ""


def result_html(reading: Reading) -> str:
    """The verdict: class, confidence, whether a person should look, and the truth if known."""
    name, colour = CLASS_NAMES[reading.said], CLASS_COLOURS[reading.said]
    warning = ""
    if reading.uncertain:
        warning = (
            f'<div style="background:{ALARM};color:#fff;padding:4px 10px;font-weight:bold">'
            "? UNCERTAIN: needs a person's look</div>"
        )
    truth = "True class unknown"
    if reading.true:
        mark = "✓ Right" if reading.right else "✗ Wrong"
        truth = f"<b>{mark}</b>: the true class is {reading.true} {CLASS_NAMES[reading.true]}"
    frame = f"3px dashed {ALARM}" if reading.uncertain else f"1px solid {LINE}"
    return (
        f'<div role="status" style="border:{frame};color:{INK};line-height:1.5">{warning}'
        f'<div style="border-left:10px solid {colour};padding:4px 12px">'
        f'<div style="font-size:22px;font-weight:bold">{reading.said} {name}</div>'
        f"<div>Confidence {reading.confidence:.1%}, uncertain below {reading.threshold:.1%}</div>"
        f"<div>{truth}</div></div></div>"
    )


def bars_html(reading: Reading) -> str:
    """A table of all five probabilities, with bars in the classes' colours."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;padding-right:8px;font-weight:'
        f'{"bold" if c == reading.said else "normal"};white-space:nowrap">{c} {CLASS_NAMES[c]}</th>'
        f'<td style="width:100%"><div style="background:{FIELD}"><div style="height:14px;'
        f'background:{CLASS_COLOURS[c]};width:{100 * p:.2f}%"></div></div></td>'
        f'<td style="text-align:right;padding-left:8px">{p:.1%}</td></tr>'
        for c, p in zip(CLASSES, reading.proba, strict=True)
    )
    return (
        f'<table style="width:100%;color:{INK};line-height:1.5;margin-top:8px">'
        f'<caption style="text-align:left">Probability of each class</caption>{rows}</table>'
    )


def _dropdown(name: str, options: list[tuple[str, str]]) -> widgets.Dropdown:
    return widgets.Dropdown(
        options=options, description=name, style={"description_width": "initial"},
        layout=widgets.Layout(width="auto", margin="2px 12px 2px 2px"),
    )  # fmt: skip


def _button(text: str, tooltip: str, disabled: bool = False) -> widgets.Button:
    layout = widgets.Layout(width="auto")
    return widgets.Button(description=text, tooltip=tooltip, disabled=disabled, layout=layout)


def _row(*children: widgets.Widget) -> widgets.Box:
    return widgets.Box(children, layout=ROW)


def _span(text: str) -> str:
    return f'<span role="status" style="color:{INK};margin:0 8px">{escape(text)}</span>'


def _text(text: str) -> widgets.HTML:
    return widgets.HTML(f'<span style="color:{INK};margin:0 12px 0 4px">{escape(text)}</span>')
