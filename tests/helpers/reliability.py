"""The tables of inputs, faults and kills, and what came of each: outputs/reliability.md.

With KILLS set, as ``make faults`` does, every cell is written as soon as it is known; without, it
must be there already.
"""

import functools
import os
import re
from collections.abc import Callable

import pytest

from ecglib.paths import ROOT, atomic_write

WRITES = "KILLS" in os.environ
TABLE = ROOT / "outputs" / "reliability.md"
ENTRANCES = ("notebook", "run_all", "library", "demo", "API", "archive")
INPUTS, KILLED, WRITING = "Bad inputs and faults", "Killed at random moments", "Writes that fail"
COLUMNS = {
    INPUTS: ENTRANCES,
    KILLED: ("times", "afterwards"),
    WRITING: ("full disk", "no permission", "I/O error", "no room after some bytes"),
}
MEANING = {
    INPUTS: """\
By their number in the list of twenty that the project set out with, and by the entrance that each
comes through: a notebook's parameter, `run_all.py`, the library's functions, the demo and its web
app, the HTTP API, an archive of recordings. *A sentence*: refused with what is wrong and how to
mend it, no traceback; the sentence that belongs there is in the test. Empty: it can't come through
there, or nothing there looks at it.""",
    KILLED: """\
SIGKILL, which no program can answer. Afterwards nothing under a final name is torn, no process and
no temporary file is left behind, and the next run ends well.""",
    WRITING: """\
Each call of a write fails in turn, or the disk is full after some bytes. *Old or new, whole*: every
file under its final name holds the old content or the new one to the last byte, no temporary file
is left, and the error names the file.""",
}
Cells = dict[tuple[str, str, str], str]  # by section, row, column


def tried(row: str, *entrances: str, outcome: str = "a sentence") -> Callable:
    """Mark a test that tries an input or fault: when it passes, its cells are noted.

    Parameters
    ----------
    row : str
        Number and name of what is tried; ``{name}`` stands for a parameter of the test.
    *entrances : str
        Where it comes in.
    outcome : str
    """

    def decorate(test: Callable) -> Callable:
        @functools.wraps(test)
        def noting(*arguments, **values):
            test(*arguments, **values)
            for entrance in entrances:
                note(INPUTS, row.format(**values), entrance, outcome)

        return pytest.mark.faults(noting)

    return decorate


def note(section: str, row: str, column: str, cell: str) -> None:
    """Put a cell into its table, or see to it that the table has it."""
    assert column in COLUMNS[section], column
    known = read()
    if WRITES:
        with atomic_write(TABLE) as path:
            path.write_text(written(known | {(section, row, column): cell}), encoding="utf-8")
    else:
        assert (section, row, column) in known, f"{row}, {column}: run `make faults`"


def note_kills(process: str, times: int) -> None:
    """Note that a process was killed so often and the run after the last kill ended well."""
    note(KILLED, process, "times", f"{times}")
    note(KILLED, process, "afterwards", "the next run finishes")


def read() -> Cells:
    """The cells that are not empty."""
    text = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
    cells = {}
    for section, body in re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", text, re.MULTILINE):
        lines = [line[1:-1].split("|") for line in body.splitlines() if line.startswith("| ")]
        (_, *columns), *rows = [[cell.strip() for cell in line] for line in lines]
        for row, *values in rows:
            named = zip(columns, values, strict=True)
            cells |= {(section, row, column): value for column, value in named if value}
    return cells


def written(cells: Cells) -> str:
    """The tables, and above them how much was tried."""
    rows = {section: {row for s, row, _ in cells if s == section} for section in COLUMNS}
    columns = {section: len({c[1:] for c in cells if c[0] == section}) for section in COLUMNS}
    kills = sum(int(v) for (section, _, c), v in cells.items() if (section, c) == (KILLED, "times"))
    text = f"""\
# What goes wrong, and what comes of it

Made by `make faults`, from tests that fail if anything is lost, torn or left behind.
Tried: {len(rows[INPUTS])} bad inputs and faults at the entrances that they can come through,
{columns[INPUTS]} cases together.
Survived: {kills:,} kills, and {columns[WRITING]} series of failing writes.
"""
    for section, names in COLUMNS.items():
        text += f"\n## {section}\n\n{MEANING[section]}\n\n"
        text += f"| what | {' | '.join(names)} |\n|:--|{':--|' * len(names)}\n"
        for row in sorted(rows[section], key=_in_order):
            found = (cells.get((section, row, name), "") for name in names)
            text += f"| {row} | {' | '.join(found)} |\n"
    return text


def _in_order(row: str) -> tuple[int, str]:
    number = row.partition(" ")[0]
    return (int(number) if number.isdigit() else 0, row)
