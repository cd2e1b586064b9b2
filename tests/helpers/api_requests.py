"""What tests of the API send, and how they know a refusal."""

from pathlib import Path

import numpy as np

from ecglib.labels import CLASS_NAMES, CLASSES

NAMES = [CLASS_NAMES[letter] for letter in CLASSES]
ROWS = np.round(np.random.default_rng(0).random((6, 187)), 4)
LABELLED = np.column_stack([ROWS, [0, 1, 2, 3, 4, 0]])
LOCAL = "http://localhost"  # by which a service that listens to this machine is called
SECRET = "Tr0ub4dor"  # put into everything that is sent, and never to be seen again


def csv(rows: np.ndarray) -> dict:
    text = "\n".join(",".join(map(str, row)) for row in rows)
    return {"file": (f"{SECRET}.csv", text.encode())}


def wfdb_files(folder: Path, name: str = "s01") -> list:
    return [
        ("files", (f"{name}{s}", (folder / f"{name}{s}").read_bytes())) for s in (".hea", ".dat")
    ]


def assert_problem(response, status: int, words: str = "") -> None:
    """An RFC 9457 answer that says why and repeats nothing."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail"} <= problem.keys() and problem["status"] == status
    assert problem["detail"] and words in response.text
    assert SECRET not in response.text
