"""Which lead is meant, and which leads of a recording are most like those of MIT-BIH."""

import re
from collections.abc import Sequence
from numbers import Integral

from ecglib.recordings import EcgFileError

PREFERRED = ("MLII", "II", "ML2", "ECG1")  # what the models were trained on, by its names
SECOND = ("V1", "V5", "V2", "V4", "V3", "ECG2")  # the second leads of MIT-BIH, most frequent first
SHOWN = 12  # leads that an error names


def plain_name(lead: str) -> str:
    """A lead's name without what only some databases add: ``ECG lead II`` is ``II``."""
    words = re.split(r"[\s_-]+", lead.upper())
    return "".join(word for word in words if word not in ("ECG", "LEAD")) or lead.upper()


def lead_number(names: Sequence[str], lead: int | str, recording: str) -> int:
    """The number of a lead that is named by number from 0 or by name.

    Raises
    ------
    EcgFileError
        The recording, which the message names, has no such lead.
    """
    if isinstance(lead, str):
        plain = [plain_name(name) for name in names]
        if lead.upper() in (upper := [name.upper() for name in names]):
            return upper.index(lead.upper())
        if plain_name(lead) in plain:
            return plain.index(plain_name(lead))
    elif isinstance(lead, Integral) and 0 <= lead < len(names):
        return int(lead)
    shown = ", ".join(f"'{name}'" for name in names[:SHOWN])
    raise EcgFileError(
        f"There is no lead {lead} in {recording}; it has {len(names)}, counted from 0: {shown}."
    )


def likely_leads(names: Sequence[str], most: int) -> list[int]:
    """Numbers of at most so many leads, those most like the leads of MIT-BIH first."""
    plain = [plain_name(name) for name in names]
    first = next((plain.index(name) for name in PREFERRED if name in plain), 0)
    others = [plain.index(name) for name in SECOND if name in plain]
    others += [k for k in range(len(names)) if k not in others]
    return [first, *(k for k in others if k != first)][:most]
