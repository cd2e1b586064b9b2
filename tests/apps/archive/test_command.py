"""Archives: everything is classified once, whatever breaks, is killed, changes or is far away."""

import os
import shutil
from pathlib import Path

import dask
import fsspec
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from archive_results import assert_classified
from ecglib.apps.archive.command import ClusterError, classify_archive, main
from ecglib.apps.archive.files import finished
from ecglib.apps.archive.worker import compact
from ecglib.datasets.synthetic import write_recordings
from ecglib.paths import ROOT
from own_python import run_python
from tiny_training import save_tiny

IN_THIS_PROCESS = {"processes": False, "dashboard_address": "127.0.0.1:0"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings of a minute, in two folders."""
    folder = tmp_path_factory.mktemp("archive")
    write_recordings(folder / "2024", seed=0, n_records=2, minutes=1)
    write_recordings(folder / "2025" / "ward", seed=1, n_records=1, minutes=1)
    return folder


@pytest.fixture(scope="module")
def model(model: Path) -> str:
    return str(model)


@pytest.fixture(scope="module")
def scheduler():
    """A cluster of one thread in this process: its address."""
    with LocalCluster(n_workers=1, threads_per_worker=1, **IN_THIS_PROCESS) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def mine(archive: Path, tmp_path: Path) -> Path:
    """A copy of the archive to change."""
    return Path(shutil.copytree(archive, tmp_path / "mine"))


def classified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the recordings that are classified from now on, one after the other."""
    names: list[str] = []

    def noted(table: pd.DataFrame, name: str) -> pd.DataFrame:
        names.append(name)
        return compact(table, name)

    monkeypatch.setattr("ecglib.apps.archive.worker.compact", noted)
    return names


def test_results_are_those_of_the_classifier(archive, model: str, scheduler: str, tmp_path) -> None:
    out = tmp_path / "R.parquet"
    recordings = classify_archive(str(archive), str(out), model, scheduler)
    beats = pd.read_parquet(out)
    names = ["2024/s01", "2024/s02", "2025/ward/s01"]
    assert recordings["recording"].tolist() == names == list(dict.fromkeys(beats["recording"]))
    assert recordings["failure"].isna().all()
    assert_classified(out, archive, model)
    for name, own in beats.groupby("recording"):
        line = recordings.set_index("recording").loc[name]
        assert line["beats"] == len(own) and line["uncertain"] == own["uncertain"].sum()
        assert line[[*"NSVFQ", "unreadable"]].sum() == len(own)
    stored = pd.read_csv(tmp_path / "R.recordings.csv")
    assert stored["beats"].tolist() == recordings["beats"].tolist()


def test_only_what_is_missing_or_changed_is_done_again(
    mine: Path, model: str, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, done = str(tmp_path / "R.parquet"), classified(monkeypatch)
    everything = ["2024/s01", "2024/s02", "2025/ward/s01"]

    def again(**changed) -> list[str]:
        done.clear()
        classify_archive(str(mine), out, **({"model": model, "scheduler": scheduler} | changed))
        return sorted(done)

    assert again() == everything
    before = Path(out).read_bytes()
    assert again(scheduler=None) == []  # and no cluster is started for it
    assert Path(out).read_bytes() == before
    os.utime(mine / "2024" / "s02.dat", (1e9, 1e9))
    assert again() == ["2024/s02"]
    next((tmp_path / "R.parts").rglob("*.parquet")).unlink()
    assert len(again()) <= 1  # none if it was the one from before the change
    assert again(lead=1) == everything
    other = save_tiny(tmp_path / "other.safetensors", seed=1)
    assert again(model=other) == everything
    assert pd.read_parquet(out)["confidence"].nunique() > 1
    write_recordings(mine / "2026", seed=2, n_records=1, minutes=1)
    assert again() == ["2026/s01"]
    assert set(pd.read_parquet(out)["recording"]) == {*everything, "2026/s01"}


def test_broken_recordings_are_listed_and_do_not_stop_the_rest(
    mine: Path, model: str, scheduler: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "R.parquet"
    header = (mine / "2024" / "s01.hea").read_text()
    (mine / "2024" / "alone.hea").write_text(header.replace("s01", "alone"))
    (mine / "2024" / "s02.dat").write_bytes(b"short")
    (mine / "empty.hea").touch()
    (mine / ".hidden.hea").touch()
    (mine / "2024" / "s01.ecg").touch()  # belongs to s01.hea
    arguments = [str(mine), "--out", str(out), "--model", model, "--scheduler", scheduler]
    assert main(arguments) == 1
    table = pd.read_csv(tmp_path / "R.recordings.csv").set_index("recording")
    failed = table[table["failure"].notna()]
    assert failed.index.tolist() == ["2024/alone", "2024/s02", "empty"]
    assert all(row.Index.split("/")[-1] in row.failure for row in failed.itertuples())
    assert {"2024/s01", "2025/ward/s01"} <= set(pd.read_parquet(out)["recording"])
    assert "could not be classified" in capsys.readouterr().out

    shutil.copy(mine / "2024" / "s01.dat", mine / "2024" / "s02.dat")  # mended
    for name in ("empty", "2024/alone"):
        (mine / f"{name}.hea").unlink()
    assert main(arguments) == 0
    assert set(pd.read_parquet(out)["recording"]) == {"2024/s01", "2024/s02", "2025/ward/s01"}


def test_other_storages(archive: Path, model: str, scheduler: str, tmp_path: Path) -> None:
    there = fsspec.filesystem("memory")
    there.put(str(archive) + "/", "/bucket/ecg/", recursive=True)
    try:
        out = "memory://results/R.parquet"
        classify_archive("memory://bucket/ecg", out, model, scheduler)
        names = set(pd.read_parquet(out)["recording"])
        assert names == {"2024/s01", "2024/s02", "2025/ward/s01"}
        files = there.find("/results")
        assert len(files) == 3 + 2 and not [f for f in files if f.endswith(".tmp")]
        assert len(finished("memory://results/R.parts")) == 3
    finally:
        there.store.clear()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folder": "nowhere"}, "There is no folder"),
        ({"folder": str(ROOT / "scripts")}, "no recording below"),
        ({"model": "nothing.safetensors"}, "There is no model file"),
        ({"workers": -1}, "at least 1 worker"),
        ({"lead": -1}, "counted from 0"),
    ],
)
def test_what_cannot_start(change: dict, message: str, archive: Path, tmp_path: Path) -> None:
    arguments = {"folder": str(archive), "out": str(tmp_path / "R.parquet")} | change
    with pytest.raises(ValueError, match=message):
        classify_archive(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_command_refuses_in_a_sentence(tmp_path: Path, capsys) -> None:
    assert main(["nowhere", "--out", str(tmp_path / "R.parquet")]) == 2
    assert capsys.readouterr().err.startswith("There is no folder nowhere.")
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), "--out", "R.csv"])


def test_a_cluster_that_goes_away(archive: Path, model: str, tmp_path: Path) -> None:
    """The scheduler ends while recordings wait for a worker."""
    quick = dask.config.set({"distributed.comm.timeouts.connect": "1s"})
    with quick, LocalCluster(n_workers=0, **IN_THIS_PROCESS) as cluster, Client(cluster) as client:
        client.loop.call_later(1.0, cluster.scheduler.close)
        with pytest.raises(ClusterError, match="connection to the cluster is lost"):
            classify_archive(
                str(archive), str(tmp_path / "R.parquet"), model, cluster.scheduler_address
            )


def test_help_needs_no_cluster() -> None:
    """Without the extra, the help can be read and a run names the extra."""
    hide = "import sys; sys.modules.update(dict.fromkeys(['dask', 'distributed', 'pyarrow']))"
    for call, code, said in (
        (["--help"], 0, "not a medical device"),
        ([".", "--out", "R.parquet"], 2, "pip install -e '.[archive]'"),
    ):
        program = f"{hide}; from ecglib.apps.archive.command import main; sys.exit(main({call}))"
        status, out, err = run_python("-c", program)
        assert status == code and said in out + err
