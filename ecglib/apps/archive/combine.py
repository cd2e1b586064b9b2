"""From the parts of an archive to its results: one table of beats, one of recordings."""

from concurrent.futures import ThreadPoolExecutor

import fsspec
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ecglib.apps.archive.files import Entry, atomic_open, part, recordings_file, remove
from ecglib.labels import CLASSES

AT_ONCE = 1000  # recordings in memory; they make one row group of the file
READERS = 16  # object storages answer many requests at a time, each of them slowly


def put_together(
    entries: list[Entry], failures: dict[str, str], parts: str, out: str, checksum: str
) -> pd.DataFrame:
    """Write the beats of all recordings to one file, and one line per recording to another.

    ``failures`` gives the reasons by name; all other recordings have their part. If no recording
    could be classified, there is no file of beats. The model's checksum is kept in its metadata.
    """
    note = {
        "ecg_model_sha256": checksum,
        "ecg_use": "Education and research, not a medical device.",
    }
    rows = [pd.DataFrame({"failure": pd.Series(failures, dtype="str")})]
    done = [entry for entry in entries if entry.name not in failures]

    def read(entry: Entry) -> pa.Table:
        with fsspec.open(part(parts, entry.key), "rb") as file:
            return parquet.read_table(file)

    if done:
        with atomic_open(out) as file, ThreadPoolExecutor(READERS) as pool:
            writer = None
            for start in range(0, len(done), AT_ONCE):
                some = done[start : start + AT_ONCE]
                beats = pa.concat_tables(pool.map(read, some))
                if writer is None:
                    schema = beats.schema.with_metadata({**(beats.schema.metadata or {}), **note})
                    writer = parquet.ParquetWriter(file, schema, compression="zstd")
                writer.write_table(beats.replace_schema_metadata(schema.metadata))
                rows.append(_counts(beats, [entry.name for entry in some]))
            writer.close()
    else:  # otherwise the beats of an earlier call would pass for those of this one
        remove(out)
    recordings = pd.concat(rows).sort_index()
    counts = ["beats", *CLASSES, "unreadable", "uncertain"]
    recordings = recordings.reindex(columns=[*counts, "failure"])
    recordings = recordings.astype(dict.fromkeys(counts, "Int64"))
    recordings = recordings.rename_axis("recording").reset_index()
    with atomic_open(recordings_file(out)) as file:
        recordings.to_csv(file, index=False)
    return recordings


def _counts(beats: pa.Table, names: list[str]) -> pd.DataFrame:
    """Number of beats by class of each recording, including those without beats."""
    table = beats.select(["recording", "label", "uncertain"]).to_pandas()
    counts = pd.crosstab(table["recording"], table["label"]).reindex(
        index=names, columns=list(CLASSES), fill_value=0
    )
    by_name = table.groupby("recording")["uncertain"]
    counts["beats"] = by_name.size().reindex(names, fill_value=0)
    counts["unreadable"] = counts["beats"] - counts[list(CLASSES)].sum(axis=1)
    counts["uncertain"] = by_name.sum().reindex(names, fill_value=0)
    return counts
