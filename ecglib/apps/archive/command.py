"""Classify every recording of an archive, on this machine or on a cluster.

    python -m ecglib.archive FOLDER --out RESULTS.parquet

FOLDER and RESULTS are paths or any URL that fsspec knows (``s3://``, ``gs://``). Each recording's
table is written to ``RESULTS.parts/`` as soon as it is done, so that the same command continues
after a stop. When all recordings have been tried, ``RESULTS.parquet`` has one row per beat,
and ``RESULTS.recordings.csv`` one row per recording: its counts, or the reason why it could not be
classified. Changed recordings are classified again, and with another model all of them.

Exit codes: 0 all recordings are classified; 1 some could not be; 2 the work could not start or
continue; 130 or 143 stopped.
"""

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from tqdm import tqdm

import ecglib
from ecglib.apps.archive.files import Entry, find_recordings, finished, recordings_file, remove_torn
from ecglib.batch.locks import print_anything, stoppable
from ecglib.paths import DEFAULT_MODEL, MODELS

if TYPE_CHECKING:  # only a run needs them, see `classify_archive`
    from distributed import Client, Future

IN_FLIGHT = 4096  # tasks at the scheduler at a time, enough for as many cores
# A terminal sends Ctrl-C to the workers as well, but it is the command that stops them.
IGNORE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
GONE = (
    "The connection to the cluster is lost. Start it again; the same command continues from here."
)


class ClusterError(RuntimeError):
    """The cluster can't be reached, or its connection is lost."""


def classify_archive(
    folder: str,
    out: str,
    model: str | Path | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    lead: int = 0,
) -> pd.DataFrame:
    """Classify the unfinished recordings below a folder and combine all results.

    The arguments are those of the command; ``scheduler`` is the address of a Dask scheduler whose
    workers have this project installed. Returns one row per recording: ``recording``, ``beats``,
    ``N`` to ``Q``, ``unreadable``, ``uncertain``, and ``failure``, which is missing for classified
    recordings. Raises ValueError if there is nothing to classify or no model, and ClusterError.
    """
    try:
        from ecglib.apps.archive.combine import put_together
        from ecglib.apps.archive.worker import Model, classify_to_part
        from ecglib.models.classifier import Classifier
    except ImportError as error:
        raise ClusterError(
            f"Archives need more packages ({error}). Install them: pip install -e '.[archive]'"
        ) from error
    path = MODELS / f"{DEFAULT_MODEL}.safetensors" if model is None else Path(model)
    Classifier.load(path)  # refuses a wrong file before a cluster is started
    plugin = Model(path)
    if lead < 0 or (workers is not None and workers < 1):
        raise ValueError("Leads are counted from 0, and there must be at least 1 worker.")
    made_with = f"ecglib {ecglib.__version__} model {plugin.checksum} lead {lead}"
    entries = find_recordings(folder, made_with)
    parts = out.removesuffix(".parquet") + ".parts"
    done = finished(parts)
    todo = [entry for entry in entries if entry.key not in done]
    print(f"{len(entries):,} recordings, {len(entries) - len(todo):,} of them already done.")
    failures = {}
    if todo:
        with _cluster(scheduler, workers) as client:
            print(f"Dashboard: {client.dashboard_link}", flush=True)
            client.register_plugin(plugin)
            settings = {"folder": folder, "parts": parts, "model": plugin.name, "lead": lead}
            submit = partial(client.submit, classify_to_part, **settings)
            with tqdm(total=len(todo), unit=" recordings", mininterval=1, smoothing=0.05) as bar:
                for entry, reason in in_any_order(todo, submit):
                    if reason is not None:
                        failures[entry.name] = reason
                        bar.set_postfix(failed=len(failures), refresh=False)
                    bar.update()
    remove_torn(parts, out)
    return put_together(entries, failures, parts, out, plugin.checksum)


@contextmanager
def _cluster(scheduler: str | None, workers: int | None) -> Iterator["Client"]:
    """A client of the scheduler at this address, or of processes on this machine."""
    from dask.system import CPU_COUNT
    from distributed import CancelledError, Client, LocalCluster
    from distributed.comm import CommClosedError

    for name in ("distributed", "distributed.client"):  # they repeat in tracebacks what we say
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ExitStack() as opened:
        if scheduler is None:
            workers = workers or CPU_COUNT
            try:
                cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,  # Dask sets it for numerical libraries as well
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    preload=[IGNORE_CTRL_C],
                    silence_logs=logging.CRITICAL,
                )
            except RuntimeError as error:
                raise ClusterError(f"No worker could be started: {error} Try again.") from error
            scheduler = opened.enter_context(cluster)
            # Dask restarts killed workers, but not those that are killed while they start.
            scheduler.adapt(minimum=workers, maximum=workers)
        try:
            client = opened.enter_context(Client(scheduler, timeout=20))
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"No Dask scheduler answers at {scheduler} ({error}). Start one with "
                "`dask scheduler`, or omit the address to use this machine."
            ) from error
        try:
            yield client
        except (CommClosedError, CancelledError) as error:
            raise ClusterError(GONE) from error


def in_any_order(
    todo: list[Entry], submit: Callable[[Entry], "Future"]
) -> Iterator[tuple[Entry, str | None]]:
    """Each recording when it is finished, with the reason if it has failed."""
    from distributed import KilledWorker, as_completed

    waiting, futures, entry_of = iter(todo), as_completed(), {}

    def hand_over(count: int) -> None:
        for entry in islice(waiting, count):
            entry_of[entry.key] = entry
            futures.add(submit(entry, key=entry.key, pure=False))

    hand_over(IN_FLIGHT)
    for future in futures:
        hand_over(1)
        entry = entry_of.pop(future.key)
        if future.status == "finished":
            yield entry, future.result()
        elif future.status != "error":
            raise ClusterError(GONE)
        elif isinstance(future.exception(), KilledWorker):
            yield entry, "Several workers died while classifying it, perhaps for lack of memory."
        else:
            raise future.exception()


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ecglib.archive",
        description="Classify every recording below a folder. Finished recordings are skipped.",
        epilog="For education and research only; not a medical device.",
    )
    parser.add_argument("folder", help="recordings: a path or a URL such as s3://bucket/ecg")
    parser.add_argument("--out", required=True, help="table of beats: a path or URL, .parquet")
    parser.add_argument("--model", help="model file (default: the shipped one)")
    parser.add_argument("--lead", type=int, default=0, help="lead to classify (default: 0)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", help="address of a Dask scheduler, such as tcp://head:8786")
    where.add_argument("--workers", type=int, help="processes here (default: one per core)")
    options = vars(parser.parse_args(arguments))
    if not options["out"].endswith(".parquet"):
        parser.error("--out must end in .parquet")
    print_anything()
    try:
        with stoppable():
            recordings = classify_archive(**options)
    except KeyboardInterrupt as stop:
        print("Stopped. The same command continues from here.", file=sys.stderr)
        return 128 + (stop.args[0] if stop.args else signal.SIGINT)
    except (ClusterError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    failed = recordings[recordings["failure"].notna()]
    beats, out = recordings["beats"].sum(), options["out"]
    print(f"{out}: {beats:,} beats of {len(recordings):,} recordings.")
    if len(failed):
        table = recordings_file(out)
        print(f"{len(failed):,} could not be classified; {table} gives the reasons. The first:")
    for row in failed.head(3).itertuples():
        print(f"  {row.recording}: {row.failure}")
    return int(len(failed) > 0)
