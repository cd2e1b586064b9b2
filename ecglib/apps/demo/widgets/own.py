"""The demo's page for an ECG of one's own: handing in files, and correcting what was understood."""

import ipywidgets as widgets

from ecglib.apps.demo.state.uploads import Corrections, Upload
from ecglib.apps.demo.widgets.controls import button, dropdown, row
from ecglib.apps.demo.widgets.files import FileExchange
from ecglib.apps.demo.widgets.html import status_html


class OwnPage(widgets.VBox):
    """A field to drop files on, what was understood of them, and what a person may correct.

    Parameters
    ----------
    recordings, samples : list of str
        Names of what can be opened without a file of one's own.
    """

    def __init__(self, recordings: list[str], samples: list[str]):
        self.files = FileExchange()
        self.sample = dropdown("or try a sample", [("choose …", ""), *((s, s) for s in samples)])
        self.sample.layout.display = None if samples else "none"
        self.recording = dropdown(
            "or a recording", [("choose …", ""), *((r, r) for r in recordings)]
        )
        self.recording.layout.display = None if recordings else "none"
        self.understood = widgets.HTML()
        self.kind = dropdown(
            "It is", [("what it looks like", "auto"), ("beats, one a row", "beats"),
                      ("a recording", "recording")],
        )  # fmt: skip
        self.fs = widgets.FloatText(
            0, description="Sampling rate (Hz)", step=1, style={"description_width": "initial"},
            layout=widgets.Layout(width="220px", margin="2px 12px 2px 2px"),
        )  # fmt: skip
        self.lead = dropdown("Lead (column)", [])
        self.header = dropdown(
            "First line", [("find out", None), ("names", True), ("numbers", False)]
        )
        self.decimal = dropdown(
            "Decimal mark", [("find out", "auto"), ("point", "."), ("comma", ",")]
        )
        self.classify = button("Classify", "find the beats and classify them")
        self.classify.button_style = "primary"
        self.corrections_row = row(*self.corrections(), self.classify)
        super().__init__(
            [self.files, row(self.sample, self.recording), self.understood, self.corrections_row]
        )

    def corrections(self) -> tuple[widgets.Widget, ...]:
        """What a person may know better about a file."""
        return self.kind, self.fs, self.lead, self.header, self.decimal

    def show_upload(
        self,
        upload: Upload | None,
        fs: float,
        corrections: Corrections,
        warnings: tuple[str, ...] = (),
    ) -> None:
        """Show what was understood of a file, why it may mislead, and the corrections that fit."""
        told = [upload.describe(), *(f"Beware: {text}" for text in warnings)] if upload else []
        self.understood.value = status_html(" ".join(told)) if told else ""
        self.corrections_row.layout.display = None if upload else "none"
        leads = upload.recording.leads if upload and upload.recording else ()
        options = tuple((name, number) for number, name in enumerate(leads))
        if self.lead.options != options:
            self.lead.options = options
        self.lead.value = upload.lead if leads else None
        self.fs.value = fs
        self.kind.value, self.header.value = corrections.kind, corrections.header
        self.decimal.value = corrections.decimal
        for control in (self.lead, self.fs):
            control.layout.display = None if leads else "none"

    def forget_choice(self) -> None:
        """Show that neither a sample nor a recording is chosen."""
        self.sample.value = self.recording.value = ""
