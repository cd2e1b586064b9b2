"""The printed page of a recording's report."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecglib.apps.report.events import DISCLAIMER, PATTERNS, summarise
from ecglib.beats.find import length, read_block
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES
from ecglib.models.recordings import ClassifiedRecording
from ecglib.plots.style import INK, MUTED, PALE, plt, styled
from ecglib.recordings.recording import RECORDING_FS

A4 = (8.27, 11.69)  # inches
STRIP_S = 10.0
STRIPS = 6
# The order in which kinds of events get a strip.
NOTABLE = ("V run", "pause", "S run", "bigeminy", "V couplet", "trigeminy", "S couplet",
           "longest RR")  # fmt: skip


@styled
def draw_report(recording: ClassifiedRecording) -> Figure:
    """One A4 page of an open recording: numbers, heart rate over time, strips of the events."""
    report, table, ecg = summarise(recording), recording.table, recording.found.ecg
    chosen = notable(report["events"]["list"], report["recording"]["unreadable"])
    figure = plt.figure(figsize=A4, layout="none")
    figure.subplots_adjust(0, 0, 1, 1)
    grid = figure.add_gridspec(STRIPS, 1, left=0.08, right=0.95, top=0.57, bottom=0.06, hspace=0.62)
    _head(figure, report)
    _rate(figure.add_axes((0.08, 0.645, 0.87, 0.115)), report)
    lead, n_samples = recording.found.leads[0], length(ecg)
    for k, event in enumerate(chosen):
        middle = (event["start_s"] + event["end_s"]) / 2
        last = n_samples / RECORDING_FS - STRIP_S
        start = max(min(max(event["start_s"] - 1.5, middle - STRIP_S / 2), last), 0)
        first = round(start * RECORDING_FS)
        stop = min(first + round(STRIP_S * RECORDING_FS), n_samples)
        ax = figure.add_subplot(grid[k])
        _strip(ax, read_block(ecg, lead, first, stop), start, table, event)
        ax.set_ylabel(ecg.units[lead])
        ax.tick_params(labelbottom=event is chosen[-1])
    if not chosen:
        figure.text(0.08, 0.55, "No beats were found.", size=9)
    figure.text(0.08, 0.025, DISCLAIMER, size=8, weight="bold", color="#B00020")
    return figure


def notable(found: list[dict], unreadable: list[dict]) -> list[dict]:
    """The events that get a strip in time order, chosen one of each kind first.

    The longest unreadable stretches get the strips that are left.
    """
    ranked = []
    for kind, name in enumerate(NOTABLE):
        group = [event for event in found if event["event"] == name]
        group.sort(key=lambda e: (-e["beats"], e["start_s"] - e["end_s"]))
        ranked += [(place, kind, event) for place, event in enumerate(group)]
    candidates = [event for *_, event in sorted(ranked, key=lambda each: each[:2])]
    candidates += [
        part | {"event": f"unreadable, {part['quality']}", "rate_bpm": None}
        for part in sorted(unreadable, key=lambda part: part["start_s"] - part["end_s"])
    ]
    picked: list[dict] = []
    for event in candidates:
        if len(picked) < STRIPS and all(abs(event["start_s"] - p["start_s"]) > 4 for p in picked):
            picked.append(event)
    return sorted(picked, key=lambda e: e["start_s"])


def clock(seconds: float) -> str:
    """Time since the start, as 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _head(figure: Figure, report: dict) -> None:
    about, rate = report["recording"], report["heart_rate"]
    name = f"ECG report: {about['name'][:50]}"
    figure.text(0.08, 0.955, name, size=15, weight="bold", color=INK)
    text = (
        f"Lead {about['lead'][:20]}, {about['fs']:g} Hz, {clock(about['duration_s'])} h. "
        f"{about['beats']:,} beats found, {report['uncertain']:,} uncertain. "
        f"{clock(about['unreadable_s'])} h are unreadable."
    )
    figure.text(0.08, 0.935, text, size=8.5, color=INK)
    figure.text(0.08, 0.905, "Beats", size=9, weight="bold")
    for k, name in enumerate(CLASSES):
        own = report["classes"][name]
        y = 0.887 - 0.017 * k
        figure.text(0.08, y, f"{name}  {CLASS_NAMES[name]}", size=8.5, color=CLASS_COLOURS[name])
        for x, value in ((0.30, f"{own['beats']:,}"), (0.37, f"{own['share']:.2%}"),
                         (0.46, f"{own['per_hour']:,.1f} / h")):  # fmt: skip
            figure.text(x, y, value, size=8.5, ha="right", color=INK)
    bpm = [rate[key] for key in ("mean_bpm", "lowest_bpm", "highest_bpm")]
    shown = ["–" if value is None else f"{value:.0f}" for value in bpm]
    counts = report["events"]["counts"]
    longest = [e for e in report["events"]["list"] if e["event"] == "longest RR"]
    lines = [
        f"Heart rate {shown[0]} bpm, from {shown[1]} to {shown[2]} (8 beats)",
        f"Burden: V {report['burden']['V']:.2%}, S {report['burden']['S']:.2%} of readable beats",
        ", ".join(f"{counts[name]} × {name}" for name in list(PATTERNS)[:4]),
        f"{counts['bigeminy']} × bigeminy, {counts['trigeminy']} × trigeminy, "
        f"{counts['pause']} × pause of 2 s or more",
        *[
            f"Longest RR {e['end_s'] - e['start_s']:.2f} s at {clock(e['start_s'])}"
            for e in longest
        ],
    ]
    figure.text(0.52, 0.905, "Rate and rhythm", size=9, weight="bold")
    for k, line in enumerate(lines):
        figure.text(0.52, 0.887 - 0.017 * k, line, size=8.5, color=INK)
    notes = [(text, "#B00020") for text in about["warnings"]]
    notes += [(text, INK) for text in about["assumed"]]
    for k, (text, colour) in enumerate(notes[:4]):
        figure.text(0.08, 0.806 - 0.011 * k, text[:140], size=6.5, color=colour)


def _rate(ax: Axes, report: dict) -> None:
    """Heart rate by minute, its range, the unreadable stretches, and the V and S events."""
    rates = pd.DataFrame(report["heart_rate"]["per_minute"])
    long = report["recording"]["duration_s"] > 5400
    unit, name = (3600, "h") if long else (60, "min")
    if len(rates):
        x = (rates["start_s"] + 30) / unit
        low, high = (rates[c].astype(float) for c in ("lowest_bpm", "highest_bpm"))
        ax.fill_between(x, low, high, color=MUTED, alpha=0.35, lw=0, label="8 beats, range")
        ax.plot(x, rates["mean_bpm"], color=INK, label="mean of the minute")
    for part in report["recording"]["unreadable"]:
        ax.axvspan(part["start_s"] / unit, part["end_s"] / unit, color="#B00020", alpha=0.2, lw=0)
    for letter, height in (("V", 1.0), ("S", 0.93)):
        at = [
            e["start_s"] / unit for e in report["events"]["list"] if e["event"][:2] == letter + " "
        ]
        ax.plot(at, [height] * len(at), "|", ms=5, color=CLASS_COLOURS[letter], clip_on=False,
                transform=ax.get_xaxis_transform(), label=f"{letter} couplets, runs")  # fmt: skip
    ax.set(xlim=(0, report["recording"]["duration_s"] / unit), ylabel="heart rate (bpm)")
    ax.set_xlabel(f"time ({name}); red: unreadable", labelpad=1)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.03), ncols=4, borderaxespad=0)


def _strip(ax: Axes, trace: np.ndarray, start: float, table: pd.DataFrame, event: dict) -> None:
    """Ten seconds of the lead with the class above each beat."""
    time = np.arange(len(trace)) / RECORDING_FS
    ax.axvspan(event["start_s"] - start - 0.1, event["end_s"] - start + 0.1, color=PALE, lw=0)
    ax.plot(time, trace, color=INK, lw=0.7)
    inside = table[table["time_s"].between(start, start + len(trace) / RECORDING_FS)]
    for at, label in zip(inside["time_s"] - start, inside["label"], strict=True):
        ax.text(at, 1.01, label or "–", transform=ax.get_xaxis_transform(), ha="center", size=7,
                weight="bold", color=CLASS_COLOURS.get(label, MUTED))  # fmt: skip
    low, high = np.quantile(trace, [0.001, 0.999])
    room = 0.1 * (high - low) + 1e-6
    ax.set(xlim=(0, STRIP_S), ylim=(low - room, high + room))
    ax.set_xticks(range(int(STRIP_S) + 1))
    ax.xaxis.set_major_formatter("{x:.0f} s")
    rate = f", {event['rate_bpm']:.0f} bpm" if event["rate_bpm"] else ""
    seconds = event["end_s"] - event["start_s"]
    what = f"{event['beats']} beats{rate}" if rate else f"{seconds:.2f} s"
    title = f"{event['event']} at {clock(event['start_s'])} ({what})"
    ax.set_title(title, loc="left", pad=11, fontsize=8)
