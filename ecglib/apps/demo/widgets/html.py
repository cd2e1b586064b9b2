"""Pieces of the demo's page as HTML: what is said of a beat, and the tables."""

from html import escape

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
    "flat": "Flat: the trace hardly moves here, as when an electrode is off.",
    "clipped": "Clipped: the trace stays at the recorder's limit here.",
    "noise": "Noise: the trace is too noisy here to tell beats apart.",
}
SCROLL = "max-height:320px;overflow:auto"


def notice_html(cautions: list[str]) -> str:
    """What everybody has to know, and why these results may mislead."""
    told = "".join(f"<div>{escape(text)}</div>" for text in cautions)
    return (
        f'<div role="heading" aria-level="2" style="color:{INK};font-size:20px;font-weight:bold;'
        'line-height:1.8">ECG heartbeat classifier</div>'
        f'<div role="note" style="border:2px solid {LINE};padding:4px 10px;color:{INK};'
        f'line-height:1.5"><b>{NOTICE}</b> Nothing said here may guide the care of a patient.'
        f"{told}</div>"
    )


def message_html(text: str, error: bool = False) -> str:
    """A message, or nothing."""
    colour, word, role = (ALARM, "Error: ", "alert") if error else (LINE, "", "status")
    style = f"border-left:6px solid {colour};padding:2px 10px;color:{INK};line-height:1.5"
    return f'<div role="{role}" style="{style}"><b>{word}</b>{escape(text)}</div>' if text else ""


def span_html(text: str) -> str:
    """A short text in the page's colour."""
    return f'<span style="color:{INK};margin:0 8px;line-height:1.5">{escape(text)}</span>'


def status_html(text: str) -> str:
    """A short text that a screen reader tells when it changes."""
    style = f"color:{INK};margin:0 8px;line-height:1.5"
    return f'<span role="status" style="{style}">{escape(text)}</span>'


def reading_html(reading: Reading) -> str:
    """The verdict and the probabilities; of two models, side by side."""
    both = [reading, reading.other] if reading.other else [reading]
    columns = "".join(
        f'<div style="flex:1 1 210px;min-width:0"><div style="color:{INK};line-height:1.6">'
        f"Model <b>{escape(each.model)}</b></div>"
        f"{verdict_html(each)}{bars_html(each) if each.verdict else ''}</div>"
        for each in both
    )
    agree = ""
    if reading.other and reading.verdict:
        same = reading.said == reading.other.said
        words = "= The two models agree" if same else "≠ The two models disagree"
        agree = f'<div style="color:{INK};font-weight:bold;line-height:1.8">{words}</div>'
    return f'{agree}<div style="display:flex;flex-wrap:wrap;gap:12px">{columns}</div>'


def verdict_html(reading: Reading) -> str:
    """Class, confidence, whether a person should look, and the truth if known."""
    if not reading.verdict:
        return _no_verdict_html(reading)
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


def _no_verdict_html(reading: Reading) -> str:
    """Why nothing is said of a beat."""
    truth = "True class unknown"
    if reading.true:
        truth = f"The true class is {reading.true} {CLASS_NAMES[reading.true]}"
    return (
        f'<div role="status" style="border:3px dotted {LINE};color:{INK};line-height:1.5;'
        'padding:4px 12px"><div style="font-size:22px;font-weight:bold">~ No verdict</div>'
        f"<div>{REASONS[reading.quality]}</div><div>{truth}</div></div>"
    )


def bars_html(reading: Reading) -> str:
    """A table of all five probabilities, with bars in the classes' colours."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;padding-right:8px;font-weight:'
        f'{"bold" if c == reading.said else "normal"};white-space:nowrap">{c} {CLASS_NAMES[c]}</th>'
        f'<td style="width:100%"><div style="background:{FIELD}"><div style="height:14px;'
        f'background:{CLASS_COLOURS[c]};width:{100 * p:.2f}%"></div></div></td>'
        f'<td style="text-align:right;padding-left:8px">{p:.2%}</td></tr>'
        for c, p in zip(CLASSES, reading.proba, strict=True)
    )
    return (
        f'<table style="width:100%;color:{INK};line-height:1.5;margin-top:8px">'
        f'<caption style="text-align:left">Probability of each class</caption>{rows}</table>'
    )


def table_html(table: pd.DataFrame, first: int, marked: int | None, total: int) -> str:
    """Some rows of the results, the one that is shown marked.

    Parameters
    ----------
    table : DataFrame
        Those rows, as ``demo.results.results`` gives them.
    first : int
        Position of the first of them, counted from 0.
    marked : int or None
        Which of them is shown above.
    total : int
        How many there are in all.
    """
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(c)}</th>' for c in table.columns)
    body = "".join(
        f'<tr style="{_MARKED if number == marked else ""}">'
        f'<th scope="row" style="{_CELL}">{"▶ " if number == marked else ""}{first + number + 1:,}'
        "</th>"
        + "".join(f'<td style="{_CELL}">{escape(_cell(value))}</td>' for value in row)
        + "</tr>"
        for number, row in enumerate(table.itertuples(index=False))
    )
    caption = f"Beats {first + 1:,} to {first + len(table):,} of {total:,}"
    return (
        f'<div tabindex="0" role="region" aria-label="Results" style="{SCROLL}">'
        f'<table style="color:{INK};line-height:1.4;border-collapse:collapse">'
        f'<caption style="text-align:left">{caption}</caption>'
        f'<thead><tr><th scope="col" style="{_CELL}">beat</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


_CELL = f"padding:1px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid {LINE}"
_MARKED = f"background:{FIELD};font-weight:bold"


def _cell(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if value is pd.NA:
        return "?"
    if isinstance(value, float) and np.isnan(value):
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
