"""Elements of the demo's page: controls, and pieces of HTML."""

from html import escape

import ipywidgets as widgets
import numpy as np
import pandas as pd

from ecglib.apps.demo.state.reading import Reading
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES

NOTICE = "Education and research only, not a medical device."
# Colours of the page's own theme, so that light and dark both work; the second is for elsewhere.
INK, LINE = "var(--jp-ui-font-color1, #222)", "var(--jp-border-color1, #999)"
FIELD = "var(--jp-layout-color2, #eee)"
ALARM = "#B00020"
REASONS = {
    "flat": "Flat: the trace hardly moves here, as with an electrode that is off.",
    "clipped": "Clipped: the trace stays at the recorder's limit here.",
    "noise": "Noise: the trace is too noisy here to tell beats apart.",
}
FULL = {"description_width": "initial"}  # the style of a control that shows all of its label
LAYOUT = {"width": "auto", "max_width": "100%", "margin": "2px 12px 2px 2px"}
CELL = f"padding:1px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid {LINE}"


def dropdown(name: str, options: list[tuple[str, object]]) -> widgets.Dropdown:
    return widgets.Dropdown(options=options, description=name, style=FULL, layout=LAYOUT)


def checkbox(text: str) -> widgets.Checkbox:
    return widgets.Checkbox(description=text, indent=False, layout=LAYOUT)


def button(text: str, tooltip: str) -> widgets.Button:
    return widgets.Button(description=text, tooltip=tooltip, layout={"width": "auto"})


def row(*children: widgets.Widget) -> widgets.Box:
    layout = {"flex_flow": "row wrap", "align_items": "center", "width": "100%"}
    return widgets.Box(children, layout=layout)


def notice_html(cautions: list[str]) -> str:
    """Title, notice, and reasons why the results may mislead."""
    sentences = "".join(f"<div>{escape(text)}</div>" for text in cautions)
    return (
        f'<div role="heading" aria-level="2" style="color:{INK};font-size:20px;font-weight:bold;'
        'line-height:1.8">ECG heartbeat classifier</div>'
        f'<div role="note" style="border:2px solid {LINE};padding:4px 10px;color:{INK};'
        f'line-height:1.5"><b>{NOTICE}</b> Do not use these results for the care of patients.'
        f"{sentences}</div>"
    )


def message_html(text: str, error: bool = False) -> str:
    """A message, or nothing."""
    colour, word, role = (ALARM, "Error: ", "alert") if error else (LINE, "", "status")
    style = f"border-left:6px solid {colour};padding:2px 10px;color:{INK};line-height:1.5"
    return f'<div role="{role}" style="{style}"><b>{word}</b>{escape(text)}</div>' if text else ""


def span_html(text: str, attributes: str = "") -> str:
    """A short text in the page's colour."""
    style = f"color:{INK};margin:0 8px;line-height:1.5"
    return f'<span {attributes} style="{style}">{escape(text)}</span>'


def status_html(text: str) -> str:
    """A short text that a screen reader announces when it changes."""
    return span_html(text, 'role="status"')


def reading_html(reading: Reading) -> str:
    """Prediction and probabilities; of two models, side by side."""
    both = [reading, reading.other] if reading.other else [reading]
    columns = "".join(
        f'<div style="flex:1 1 210px;min-width:0"><div style="color:{INK};line-height:1.6">'
        f"Model <b>{escape(each.model)}</b></div>"
        f"{prediction_html(each)}{bars_html(each) if each.readable else ''}</div>"
        for each in both
    )
    agree = ""
    if reading.other and reading.readable:
        same = reading.predicted == reading.other.predicted
        words = "= The two models agree" if same else "≠ The two models disagree"
        agree = f'<div style="color:{INK};font-weight:bold;line-height:1.8">{words}</div>'
    return f'{agree}<div style="display:flex;flex-wrap:wrap;gap:12px">{columns}</div>'


def prediction_html(reading: Reading) -> str:
    """Class, confidence, whether it is uncertain, and the true class; or why it is unreadable."""
    truth = "True class unknown"
    if reading.true:
        marks = {True: "<b>✓ Right</b>: the", False: "<b>✗ Wrong</b>: the", None: "The"}
        truth = f"{marks[reading.right]} true class is {reading.true} {CLASS_NAMES[reading.true]}"
    if not reading.readable:
        return (
            f'<div role="status" style="border:3px dotted {LINE};color:{INK};line-height:1.5;'
            'padding:4px 12px"><div style="font-size:22px;font-weight:bold">~ Unreadable</div>'
            f"<div>{REASONS[reading.quality]}</div><div>{truth}</div></div>"
        )
    warning = ""
    if reading.uncertain:
        warning = (
            f'<div style="background:{ALARM};color:#fff;padding:4px 10px;font-weight:bold">'
            "? UNCERTAIN: a person should check this beat</div>"
        )
    name, colour = CLASS_NAMES[reading.predicted], CLASS_COLOURS[reading.predicted]
    frame = f"3px dashed {ALARM}" if reading.uncertain else f"1px solid {LINE}"
    return (
        f'<div role="status" style="border:{frame};color:{INK};line-height:1.5">{warning}'
        f'<div style="border-left:10px solid {colour};padding:4px 12px">'
        f'<div style="font-size:22px;font-weight:bold">{reading.predicted} {name}</div>'
        f"<div>Confidence {reading.confidence:.1%}, uncertain below {reading.threshold:.1%}</div>"
        f"<div>{truth}</div></div></div>"
    )


def bars_html(reading: Reading) -> str:
    """A table of all five probabilities, with bars in the classes' colours."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;padding-right:8px;white-space:nowrap;'
        f'font-weight:{"bold" if c == reading.predicted else "normal"}">{c} {CLASS_NAMES[c]}</th>'
        f'<td style="width:100%"><div style="background:{FIELD}"><div style="height:14px;'
        f'background:{CLASS_COLOURS[c]};width:{100 * p:.2f}%"></div></div></td>'
        f'<td style="text-align:right;padding-left:8px">{p:.2%}</td></tr>'
        for c, p in zip(CLASSES, reading.proba, strict=True)
    )
    return (
        f'<table style="width:100%;color:{INK};line-height:1.5;margin-top:8px">'
        f'<caption style="text-align:left">Probability of each class</caption>{rows}</table>'
    )


def table_html(table: pd.DataFrame, first: int, marked: int, total: int) -> str:
    """Rows of `results` from position `first` of `total`; row `marked` is the current beat."""
    head = "".join(f'<th scope="col" style="{CELL}">{escape(c)}</th>' for c in table.columns)
    body = ""
    for number, values in enumerate(table.itertuples(index=False)):
        style, mark = (
            (f"background:{FIELD};font-weight:bold", "▶ ") if number == marked else ("", "")
        )
        cells = "".join(f'<td style="{CELL}">{escape(_cell(value))}</td>' for value in values)
        body += f'<tr style="{style}"><th scope="row" style="{CELL}">{mark}{first + number + 1:,}'
        body += f"</th>{cells}</tr>"
    return (
        '<div tabindex="0" role="region" aria-label="Results" style="max-height:320px;'
        f'overflow:auto"><table style="color:{INK};line-height:1.4;border-collapse:collapse">'
        f'<caption style="text-align:left">Beats {first + 1:,} to {first + len(table):,} of '
        f'{total:,}</caption><thead><tr><th scope="col" style="{CELL}">beat</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if value is pd.NA:
        return "?"
    if isinstance(value, float):
        return "–" if np.isnan(value) else f"{value:.4f}"
    return str(value)
