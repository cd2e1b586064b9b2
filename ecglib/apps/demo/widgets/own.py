"""The demo's page for an ECG of one's own: files, how they are read, and corrections of that."""

import ipywidgets as widgets

from ecglib.apps.demo.state.uploads import Corrections, Upload
from ecglib.apps.demo.widgets.elements import FULL, button, dropdown, row, status_html
from ecglib.apps.demo.widgets.files import FileExchange


class OwnPage(widgets.VBox):
    """A field to drop files on, files to try, how a file is read, and corrections of that."""

    def __init__(self, recordings: list[str], samples: list[str]):
        self.files = FileExchange()
        self.sample = _offer("or try a sample", samples)
        self.recording = _offer("or a recording", recordings)
        self.understood = widgets.HTML()
        kinds = [("detect", "auto"), ("beats, one per row", "beats"), ("a recording", "recording")]
        self.kind = dropdown("Content", kinds)
        self.fs = widgets.FloatText(
            0, description="Sampling rate (Hz)", step=1, style=FULL,
            layout={"width": "220px", "margin": "2px 12px 2px 2px"},
        )  # fmt: skip
        self.lead = dropdown("Lead (column)", [])
        lines = [("detect", None), ("names", True), ("numbers", False)]
        self.header = dropdown("First line", lines)
        marks = [("detect", "auto"), ("point", "."), ("comma", ",")]
        self.decimal = dropdown("Decimal mark", marks)
        self.classify = button("Classify", "find the beats and classify them")
        self.classify.button_style = "primary"
        self.corrections_row = row(*self.corrections(), self.classify)
        super().__init__(
            [self.files, row(self.sample, self.recording), self.understood, self.corrections_row]
        )

    def corrections(self) -> tuple[widgets.Widget, ...]:
        """Controls that correct how a file is read."""
        return self.kind, self.fs, self.lead, self.header, self.decimal

    def show_upload(
        self, upload: Upload | None, fs: float, corrections: Corrections, warnings: list[str]
    ) -> None:
        """Show how a file was read, why results may mislead, and the corrections that fit."""
        warned = [f"Beware: {text}" for text in warnings]
        self.understood.value = (
            status_html(" ".join([upload.describe(), *warned])) if upload else ""
        )
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


def _offer(name: str, files: list[str]) -> widgets.Dropdown:
    """A list of files to try, hidden if there are none."""
    control = dropdown(name, [("choose …", ""), *((file, file) for file in files)])
    control.layout.display = None if files else "none"
    return control
