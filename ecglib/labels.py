"""Names that the whole project shares: beat classes, annotation symbols, record lists.

The five AAMI classes group the MIT-BIH annotation symbols as ANSI/AAMI EC57 does; the record lists
are those of de Chazal, O'Dwyer and Reilly (2004), which put no paced record on either side.
"""

import numpy as np

CLASSES = ("N", "S", "V", "F", "Q")
CLASS_NAMES = {
    "N": "Normal",
    "S": "Supraventricular",
    "V": "Ventricular",
    "F": "Fusion",
    "Q": "Unknown",
}
# Okabe and Ito's palette: told apart with every common colour vision deficiency.
CLASS_COLOURS = {"N": "#0072B2", "S": "#E69F00", "V": "#D55E00", "F": "#CC79A7", "Q": "#6E6E6E"}

# MIT-BIH has no B, n, r and ?; other databases do.
CLASS_SYMBOLS = {"N": "NLRejBn", "S": "AaJS", "V": "VEr", "F": "F", "Q": "/fQ?"}
SYMBOL_NAMES = {
    "N": "normal",
    "L": "left bundle branch block",
    "R": "right bundle branch block",
    "e": "atrial escape",
    "j": "junctional escape",
    "B": "bundle branch block, unspecified",
    "n": "supraventricular escape",
    "A": "atrial premature",
    "a": "aberrated atrial premature",
    "J": "junctional premature",
    "S": "supraventricular premature",
    "V": "premature ventricular contraction",
    "E": "ventricular escape",
    "r": "R-on-T premature ventricular contraction",
    "F": "fusion of ventricular and normal",
    "/": "paced",
    "f": "fusion of paced and normal",
    "Q": "unclassifiable",
    "?": "not classified",
}
SYMBOL_TO_CLASS = {symbol: name for name, symbols in CLASS_SYMBOLS.items() for symbol in symbols}

PACED = ("102", "104", "107", "217")
DS1 = (
    "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230"
).split()
DS2 = (
    "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234"
).split()
MITDB_RECORDS = tuple(sorted([*DS1, *DS2, *PACED]))

# The header of record 202 says that it comes from the same tape as 201; every other record of the
# database is a person of its own. The published lists put 201 in DS1 and 202 in DS2 all the same.
SAME_PATIENT = {"202": "201"}


def patient_of(record: str) -> str:
    """Name of the patient a record belongs to: the record's own name, or 201 for record 202."""
    return SAME_PATIENT.get(record, record)


def labels_of(symbols) -> np.ndarray:
    """Classes of beat symbols as numbers, 0 to 4 = N S V F Q, shape (n,), int64."""
    return np.array([CLASSES.index(SYMBOL_TO_CLASS[s]) for s in symbols], dtype=np.int64)
