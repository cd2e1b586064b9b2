"""The report of a recording: how many beats of which class, how fast, and which events.

    ecg-report night.edf --out night.pdf

The suffix of ``--out`` chooses between the page (.pdf, .png), a table (.csv), the numbers (.json),
and annotations for WFDB viewers (.ai, or .atr where there are none). Education and research only,
not a medical device.
"""

import argparse
import json
from pathlib import Path

from ecglib.apps.report.events import summarise
from ecglib.models.classifier import Classifier
from ecglib.models.recordings import ClassifiedRecording
from ecglib.paths import atomic_write
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.wfdb import write_annotations

ANNOTATIONS = (".atr", ".ai")


def main(arguments: list[str] | None = None) -> None:
    """Write the report of one file."""
    parser = argparse.ArgumentParser(prog="ecg-report", description=__doc__.splitlines()[0])
    parser.add_argument("file", help="a WFDB record, text, EDF or ISHNE file, folder or zip")
    out = ".pdf, .png, .json, .csv, .ai, or .atr where there is none"
    parser.add_argument("--out", type=Path, required=True, help=out)
    parser.add_argument("--fs", type=float, help="sampling rate in Hz, if the file has none")
    parser.add_argument("--lead", default="0", help="number from 0, or name")
    parser.add_argument("--invert", action="store_true", help="the lead is upside down")
    given = parser.parse_args(arguments)
    kind = given.out.suffix.lower()
    if kind not in {".pdf", ".png", ".json", ".csv", *ANNOTATIONS}:
        parser.error(f"--out ends in .pdf, .png, .json, .csv, .atr or .ai, not '{kind}'")
    file = Path(given.file)
    if given.out.exists() and (kind == ".atr" or file.exists() and given.out.samefile(file)):
        parser.error(
            f"{given.out.name} exists and is the recording, or may be somebody's annotations: "
            "choose another name, for annotations one that ends in .ai"
        )
    lead = int(given.lead) if given.lead.isdecimal() else given.lead
    try:
        with open_ecg(file, fs=given.fs) as ecg:
            recording = Classifier.load().classify_opened(ecg, lead, invert=given.invert)
            write(recording, given.out)
    except (ValueError, OSError) as error:
        raise SystemExit(f"{error}") from error
    for sentence in recording.warnings + recording.assumed:
        print(sentence)


def write(recording: ClassifiedRecording, out: Path) -> None:
    """Write a classified recording, still open, in the form that the suffix names."""
    if out.suffix.lower() in ANNOTATIONS:
        return write_annotations(recording.table, out, recording.fs)
    with atomic_write(out) as path:
        if out.suffix.lower() == ".csv":
            recording.table.to_csv(path, index=False, float_format="%.6g")
        elif out.suffix.lower() == ".json":
            path.write_text(json.dumps(summarise(recording), indent=1), encoding="utf-8")
        else:
            from ecglib.apps.report.page import draw_report  # matplotlib is slow to load

            draw_report(recording).savefig(path, format=out.suffix[1:].lower(), dpi=150)


if __name__ == "__main__":
    main()
