"""The demo's widgets: they show what they are given, and know no classifier."""

from collections.abc import Callable

import ipywidgets as widgets

from ecglib.apps.demo.state.gallery import ALL, ORDERS, OUTCOMES
from ecglib.apps.demo.state.reading import Reading
from ecglib.apps.demo.state.recording import Strip
from ecglib.apps.demo.widgets.elements import (
    FULL,
    button,
    checkbox,
    dropdown,
    message_html,
    notice_html,
    reading_html,
    row,
    span_html,
    status_html,
)
from ecglib.apps.demo.widgets.own import OwnPage
from ecglib.apps.demo.widgets.strip import StripTrace
from ecglib.apps.demo.widgets.traces import BeatTrace
from ecglib.labels import CLASS_NAMES, CLASSES

STEP = 0.01  # of the slider
NOTHING = "No beat fits this choice. Choose another class, or right and wrong ones."
NO_SECOND = "To compare two models, train another one in notebook 3 (architecture = rhythm)."
PAGES = ("Test beats", "Your ECG", "About")


class DemoView(widgets.VBox):
    """The demo's controls and displays; controls are public attributes."""

    def __init__(
        self,
        threshold: float,
        cautions: list[str],
        models: list[str],
        recordings: list[str],
        samples: list[str],
    ):
        self.notice = widgets.HTML(notice_html(cautions))
        self.message = widgets.HTML()
        self._build_models(models)
        self._build_choice()
        self.own = OwnPage(recordings, samples)
        self._build_job()
        self._build_beat()
        self._build_strip()
        self._build_uncertainty(threshold)
        self._build_results()
        self.about = widgets.HTML()
        tests = widgets.HTML(span_html("The network was not trained on these beats."))
        self.pages = widgets.Tab([tests, self.own, self.about], titles=PAGES)
        self.body = widgets.VBox(
            [
                self.choice,
                self.navigation,
                self.strip_box,
                self.beat_box,
                self.uncertainty,
                self.results_box,
            ]
        )
        super().__init__(
            [self.notice, self.models_row, self.pages, self.message, self.job_row, self.body],
            layout=widgets.Layout(max_width="1200px", overflow="hidden"),
        )

    # --- building --------------------------------------------------------------------------------

    def _build_models(self, models: list[str]) -> None:
        self.model = dropdown("Model", [(name, name) for name in models])
        self.second = dropdown("Compare with", [])
        self.offer_second(models[1:])
        several = len(models) > 1
        self.second.layout.display = None if several else "none"
        hint = [] if several else [widgets.HTML(span_html(NO_SECOND))]
        self.models_row = row(self.model, self.second, *hint)

    def _build_choice(self) -> None:
        classes = [(f"{c} {CLASS_NAMES[c]}", c) for c in CLASSES]
        self.class_name = dropdown("Class", [("all classes", ALL), *classes])
        outcomes = [("right and wrong", ALL), *((name, name) for name in OUTCOMES[1:])]
        self.outcome = dropdown("Prediction", outcomes)
        self.order = dropdown("Order", [(order, order) for order in ORDERS])
        self.patient = dropdown("Patient", [])
        self.choice = row(*self.choices())
        self.previous = button("← Previous", "the previous beat")
        self.next = button("Next →", "the next beat")
        self.random = button("Random", "another selected beat")
        self.abnormal = button("Next abnormal", "the next beat predicted as abnormal")
        self.position = widgets.HTML()
        self.navigation = row(self.previous, self.next, self.random, self.abnormal, self.position)

    def _build_job(self) -> None:
        self.bar = widgets.FloatProgress(max=1, layout={"width": "220px"}, bar_style="info")
        self.doing = widgets.HTML()
        self.stop = button("Stop", "stop this")
        self.job_row = row(self.bar, self.doing, self.stop)
        self.job_row.layout.display = "none"

    def _build_beat(self) -> None:
        self.beat = BeatTrace()
        self.zoom_in = button("+", "zoom in")
        self.zoom_out = button("−", "zoom out")
        self.left = button("◀", "move to the left")
        self.right = button("▶", "move to the right")
        self.whole = button("Whole beat", "undo zoom and pan")
        scales = [("scaled, as the network reads it", False), ("as recorded", True)]
        self.scale = dropdown("Show", scales)
        self.with_attention = checkbox("Attention (green)")
        self.paper = checkbox("ECG paper")
        hint = "Wheel: zoom. Drag: move. Grey: not read by the network."
        left = widgets.VBox(
            [
                self.beat.figure,
                row(self.left, self.right, self.zoom_in, self.zoom_out, self.whole),
                row(self.scale, self.with_attention, self.paper),
                widgets.HTML(span_html(hint)),
            ],
            layout={"flex": "3 1 420px", "min_width": "0"},
        )
        self.result = widgets.HTML(layout={"flex": "2 1 300px", "min_width": "0"})
        layout = {"flex_flow": "row wrap", "align_items": "flex-start"}
        self.beat_box = widgets.Box([left, self.result], layout=layout)

    def _build_strip(self) -> None:
        self.strip = StripTrace()
        self.strip_text = widgets.HTML()
        self.strip_in = button("+", "zoom in")
        self.strip_out = button("−", "zoom out")
        self.strip_left = button("◀", "earlier")
        self.strip_right = button("▶", "later")
        self.strip_whole = button("Whole recording", "from beginning to end")
        self.strip_beat = button("This beat", "go to the beat shown below")
        self.strip_buttons = row(
            self.strip_left, self.strip_right, self.strip_in, self.strip_out, self.strip_whole,
            self.strip_beat,
        )  # fmt: skip
        self.strip_box = widgets.VBox()  # filled by `show_strip`, so that it costs nothing unseen

    def _build_uncertainty(self, threshold: float) -> None:
        value = round(threshold, 2)
        self.threshold = widgets.FloatSlider(
            value, min=0, max=1, step=STEP, readout=False,
            layout={"width": "240px", "max_width": "100%"},
        )  # fmt: skip
        # A slider has no name for screen readers; this field has one.
        self.threshold_text = widgets.BoundedFloatText(
            value, min=0, max=1, step=STEP, description="Uncertain below",
            style=FULL, layout={"width": "190px"},
        )  # fmt: skip
        widgets.jslink((self.threshold, "value"), (self.threshold_text, "value"))
        self.summary = widgets.HTML()
        self.uncertainty = row(self.threshold_text, self.threshold, self.summary)

    def _build_results(self) -> None:
        self.with_table = checkbox("Table of all selected beats")
        self.csv = button("Download CSV", "the selected beats as a table")
        self.atr = button("Download .atr", "the selected beats as WFDB annotations")
        self.table = widgets.HTML()
        self.results_box = widgets.VBox([row(self.with_table, self.csv, self.atr), self.table])

    # --- controls by their effect ----------------------------------------------------------------

    def choices(self) -> tuple[widgets.Widget, ...]:
        """Controls that select beats, in the order of the parameters of ``Gallery.select``."""
        return self.class_name, self.outcome, self.order, self.patient

    def looks(self) -> tuple[widgets.Widget, ...]:
        """Controls that change the drawing."""
        return self.scale, self.with_attention, self.paper, self.with_table

    def movements(self) -> dict[widgets.Button, Callable[[], None]]:
        """Buttons that zoom and move the traces, and their actions."""
        beat, strip = self.beat.x, self.strip.x
        return {
            self.left: lambda: beat.pan(-0.25),
            self.right: lambda: beat.pan(0.25),
            self.zoom_in: lambda: beat.zoom(0.5),
            self.zoom_out: lambda: beat.zoom(2),
            self.whole: lambda: beat.show(*beat.whole),
            self.strip_left: lambda: strip.pan(-0.5),
            self.strip_right: lambda: strip.pan(0.5),
            self.strip_in: lambda: strip.zoom(0.5),
            self.strip_out: lambda: strip.zoom(2),
            self.strip_whole: lambda: strip.show(*strip.whole),
            self.strip_beat: self.strip.centre,
        }

    # --- showing ---------------------------------------------------------------------------------

    def offer(self, patients: list[str]) -> None:
        """Reset the selection for other beats, of these patients or files."""
        for control in (self.class_name, self.outcome, self.order):
            control.index = 0
        self.patient.options = [("all", ALL), *((name, name) for name in patients)]
        self.patient.index = 0
        self.patient.layout.display = None if len(patients) > 1 else "none"

    def offer_second(self, models: list[str]) -> None:
        """Offer models to compare with; the chosen one stays, if it is among them."""
        before = self.second.value
        self.second.options = [("no other", ""), *((name, name) for name in models)]
        self.second.value = before if before in models else ""

    def show_body(self, something: bool) -> None:
        """Show everything about beats, or hide it if there are none."""
        self.body.layout.display = None if something else "none"

    def show(self, reading: Reading | None, position: str, summary: str) -> None:
        """Show a beat, if there is one, with its position and a summary of all beats."""
        self.beat_box.layout.display = "none" if reading is None else None
        for move in (self.previous, self.next, self.random, self.abnormal):
            move.disabled = reading is None
        self.summary.value = status_html(summary)
        if reading is None:
            self.position.value = status_html(NOTHING)
            return
        self.position.value = status_html(f"{position}: {reading.where}")
        self.result.value = reading_html(reading)
        self.scale.disabled = reading.trace is None
        self.beat.draw(reading, bool(self.scale.value), self.paper.value)
        self.beat.attention.visible = self.with_attention.value

    def show_cautions(self, cautions: list[str]) -> None:
        """Show why the results may mislead."""
        self.notice.value = notice_html(cautions)

    def show_strip(self, strip: Strip | None, beat: int | None) -> None:
        """Show a recording and mark a beat, if there are any."""
        shown = (self.strip_text, self.strip.figure, self.strip.rhythm, self.strip_buttons)
        self.strip_box.children = shown if strip else ()
        if strip is None:
            return
        self.strip_text.value = span_html(strip.describe())
        if strip is not self.strip.strip:
            self.strip.load(strip)
        self.strip.set_paper(self.paper.value)
        if beat is not None:
            self.strip.look_at(beat)

    def show_job(self, what: str, share: float | None) -> None:
        """Show the running work; an empty text means none."""
        self.job_row.layout.display = None if what else "none"
        self.doing.value = status_html(what)
        self.bar.value = share or 0.0
        self.bar.layout.display = "none" if share is None else None
        self.own.classify.disabled = bool(what)

    def say(self, text: str, error: bool = False) -> None:
        """Show a message; an empty text clears it."""
        self.message.value = message_html(text, error)
