"""The table of faults and inputs, and what came of each: outputs/reliability.md.

With KILLS set, as ``make faults`` does, every row is written as soon as it is known; without, it
must be there already.
"""

import os
import re

from ecglib.paths import ROOT, atomic_write

WRITES = "KILLS" in os.environ
TABLE = ROOT / "outputs" / "reliability.md"
HEAD = """\
# Faults and what comes of them

Made by `make faults`. *old or new, whole*: every file under its final name holds the old content or
the new one to the last byte, no temporary file is left, and the error names the file. *next run
finishes*: the same, no process is left behind, and the run after the last kill ends well. *a
sentence*: it is refused with what is wrong and how to mend it, no traceback; the sentence that
belongs there is in the test.

| fault | where | how | outcome |
|:--|:--|:--|:--|
"""


def outcome(*row: str) -> None:
    """Fault, where, how, outcome: for the table, or to be compared with it."""
    text = TABLE.read_text(encoding="utf-8")
    known = re.findall(r"^\| (?!fault)(.+) \| (.+) \| (.+) \| (.+) \|$", text, re.M)
    if WRITES:
        rows = {row} | {other for other in known if _key(other) != _key(row)}
        with atomic_write(TABLE) as path:
            lines = "\n".join(f"| {' | '.join(other)} |" for other in sorted(rows))
            path.write_text(HEAD + lines + "\n", encoding="utf-8")
    else:
        assert _key(row) in {_key(other) for other in known}, f"{row}: run `make faults`"


def _key(row: tuple[str, ...]) -> tuple[str, ...]:
    """What is tried, without how many times."""
    return row[:2] if row[2].endswith(" times") else row[:3]
