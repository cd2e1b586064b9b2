"""The order of the sources, the reasons for passing one over, and the things never done."""

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

import ecglib
from ecglib.datasets import kaggle, physionet, sources, synthetic
from ecglib.datasets.sources import DataSourceError, locate
from ecglib.labels import MITDB_RECORDS


def failing(error):
    def function(*_):
        raise error

    return function


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project without neighbours, cache or network; returns its folder."""
    root = tmp_path / "class" / "project"
    root.mkdir(parents=True)
    monkeypatch.setattr(sources, "ROOT", root)
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    monkeypatch.setattr(synthetic, "cached", lambda seed=0: tmp_path / "generated")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    monkeypatch.delenv("ECG_DATA", raising=False)
    error = physionet.DownloadError("PhysioNet is not in reach: test. More.")
    monkeypatch.setattr(physionet, "probe", failing(error))
    error = kaggle.KaggleError("Kaggle could not be reached. More.")
    monkeypatch.setattr(kaggle, "probe", failing(error))
    return root


def put_records(folder: Path, names=MITDB_RECORDS, lacking=()) -> Path:
    """Files with the names of records; their content doesn't matter here."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for suffix in sources.SUFFIXES:
            if name + suffix not in lacking:
                (folder / (name + suffix)).write_text(name + suffix)
    return folder


def put_csv(folder: Path, names=kaggle.FILES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("0\n")
    return folder


def test_the_sources_in_order(project, tmp_path, monkeypatch):
    """Built from the last one up: each new source takes over from those after it."""
    served = []

    def download():
        served.append("physionet")
        return put_records(physionet.cache_folder())

    assert locate().source == "synthetic"

    monkeypatch.setattr(kaggle, "probe", lambda: None)
    monkeypatch.setattr(kaggle, "download", lambda: put_csv(tmp_path / "from_kaggle"))
    assert (locate().source, locate().folder) == ("kaggle", tmp_path / "from_kaggle")

    monkeypatch.setattr(physionet, "probe", lambda: None)
    monkeypatch.setattr(physionet, "download", download)
    assert locate().source == "physionet" and served == ["physionet"]

    put_csv(kaggle._own_cache())
    assert (locate().source, locate().where) == ("kaggle", "your cache")
    assert locate("kaggle").source == "kaggle"
    monkeypatch.setattr(physionet, "cached", physionet.cache_folder)
    assert (locate().source, locate().where) == ("physionet", "your cache")

    for place, where in (
        (project.parent / "shared", "../shared/mitdb"),
        (project / "data", "data/mitdb"),
        (tmp_path / "elsewhere", "$ECG_DATA/mitdb"),
    ):
        folder = put_records(place / "mitdb")
        if where.startswith("$"):
            monkeypatch.setenv("ECG_DATA", str(place))
        found = locate()
        assert (found.source, found.folder, found.where) == ("folder", folder, where)

    mine = put_records(tmp_path / "mine", ["x1", "x2"])
    assert locate(root=mine).folder == mine
    assert len(served) == 1


def test_csv_files_downloaded_by_hand_serve(project, tmp_path):
    put_csv(project / "data")
    assert locate().source == locate("kaggle").source == "kaggle"
    put_records(project / "data" / "mitdb")
    assert locate().source == "folder"
    assert locate("kaggle").folder == project / "data"
    mine = put_csv(tmp_path / "mine")
    assert locate(root=mine).source == "kaggle" and locate("kaggle", mine).folder == mine
    with pytest.raises(DataSourceError):
        locate("folder", mine)


@pytest.mark.parametrize(
    ("names", "lacking", "words"),
    [
        (MITDB_RECORDS, ["217.dat"], r"data/mitdb is incomplete \(1 files are missing, 217\.dat"),
        (MITDB_RECORDS, ["100.atr", "100.hea"], "2 files are missing"),
        (MITDB_RECORDS[:47], [], "47 of the 48"),
    ],
)
def test_incomplete_folders_are_passed_over_and_named(project, names, lacking, words):
    put_records(project / "data" / "mitdb", names, lacking)
    with pytest.raises(DataSourceError, match=words):
        locate("folder")
    put_records(project.parent / "shared" / "mitdb")
    found = locate()
    assert found.where == "../shared/mitdb"
    assert "Passed over: data/mitdb is incomplete" in found.describe()


def test_own_recordings_and_parts_of_mit_bih_serve_only_as_root(project, tmp_path):
    put_records(project / "data", ["mine"])
    assert locate().source == "synthetic"
    found = locate(root=project / "data")
    assert found.describe() == "1 annotated record of your own from data."
    few = locate(root=put_records(tmp_path / "private" / "few", ["100", "101"])).describe()
    assert few == (
        "Only 2 of the 48 records of the MIT-BIH Arrhythmia Database from the folder given (few)."
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, "is not a folder"),
        (lambda folder: folder.mkdir(), "holds no data"),
        (lambda folder: folder.touch(), "is not a folder"),
        (lambda folder: put_csv(folder, kaggle.FILES[:1]), r"mitbih_test\.csv is missing"),
        (lambda folder: put_records(folder, ["100"], ["100.dat"]), r"100\.dat"),
        (lambda folder: put_records(folder, ["x"], ["x.atr"]), "records without annotations"),
    ],
)
def test_an_unusable_root_is_an_error_even_if_others_would_serve(project, tmp_path, make, words):
    put_records(project / "data" / "mitdb")
    make(tmp_path / "mine")
    with pytest.raises(DataSourceError, match=words):
        locate("auto", tmp_path / "mine")


def test_ecg_data_may_name_the_records_and_is_mentioned_if_unusable(project, tmp_path, monkeypatch):
    records = put_records(tmp_path / "elsewhere")
    monkeypatch.setenv("ECG_DATA", str(records))
    assert locate("folder").folder == records
    monkeypatch.setenv("ECG_DATA", str(tmp_path / "typo"))
    put_records(project / "data" / "mitdb")
    assert locate().describe().endswith("Passed over: $ECG_DATA is not a folder.")


def test_folder_does_not_look_at_the_cache(project, monkeypatch):
    monkeypatch.setattr(physionet, "cached", lambda: put_records(physionet.cache_folder()))
    words = r"data, \.\./shared hold no data.*Ways to the real data"
    with pytest.raises(DataSourceError, match=words):
        locate("folder")


def test_other_sources_do_not_look_at_folders(project, monkeypatch):
    put_records(project / "data" / "mitdb")
    assert locate("synthetic").source == "synthetic"
    monkeypatch.setattr(kaggle, "download", failing(kaggle.KaggleError(f"No. {kaggle.WAYS_OUT}")))
    with pytest.raises(DataSourceError, match="Three ways out"):
        locate("kaggle")
    monkeypatch.setattr(physionet, "BASE_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(physionet, "RETRIES", 0)
    with pytest.raises(DataSourceError, match="could not be downloaded: the connection failed"):
        locate("physionet")


def test_unknown_sources_and_useless_roots(project, tmp_path):
    with pytest.raises(ValueError, match="no source 'mitdb'.*auto, folder, physionet, kaggle"):
        locate("mitdb")
    for source in ("physionet", "synthetic"):
        with pytest.raises(ValueError, match="leave it out"):
            locate(source, tmp_path)


def test_synthetic_beats_are_announced_in_one_line(project):
    line = locate().describe()
    assert line.startswith("SYNTHETIC") and "\n" not in line
    for words in ("PhysioNet is not in", "Kaggle could not be reached", "data/mitdb", "ECG_DATA"):
        assert words in line
    assert str(Path.home()) not in line and str(project) not in line


def test_endless_probes_are_not_waited_for(project, monkeypatch):
    end = threading.Event()
    monkeypatch.setattr(physionet, "probe", end.wait)
    monkeypatch.setattr(kaggle, "probe", end.wait)
    assert sources.PROBE_SECONDS * 2 <= 15
    monkeypatch.setattr(sources, "PROBE_SECONDS", 0.05)
    line = locate().describe()
    end.set()
    assert "PhysioNet doesn't answer; Kaggle doesn't answer" in line


def test_after_a_failed_download_the_next_source_is_tried(project, monkeypatch, capsys):
    error = physionet.DownloadError("100.dat could not be downloaded: broke off. More.")
    monkeypatch.setattr(physionet, "probe", lambda: None)
    monkeypatch.setattr(physionet, "download", failing(error))
    assert "100.dat could not be downloaded: broke off" in locate().describe()
    assert "92 MB" in capsys.readouterr().out  # the reason for the wait


def test_checksum_depends_on_names_and_contents_only(project, tmp_path):
    one = put_records(tmp_path / "one", ["a", "b"])
    other = Path(shutil.copytree(one, tmp_path / "other"))
    (other / "notes.txt").write_text("not data")
    digests = [locate(root=folder).checksum() for folder in (one, other)]
    assert digests[0] == digests[1] and len(digests[0]) == 64
    (other / "a.dat").write_text("changed")
    assert locate(root=other).checksum() != digests[0]
    (one / "a.dat").rename(one / "c.dat")
    assert locate(root=one).checksum() != digests[0]
    rows = locate(root=put_csv(tmp_path / "mine"))
    before = rows.checksum()
    (tmp_path / "mine" / "mitbih_test.csv").write_text("1\n")
    assert rows.checksum() != before


@pytest.mark.data
def test_the_real_recordings(mitdb):
    found = locate(root=mitdb)
    assert found.describe().startswith("MIT-BIH Arrhythmia Database, 48 records, from ")
    assert found.checksum() == locate("folder", os.fspath(mitdb.parent)).checksum()


def test_synthetic_beats_load(capsys):
    beats = ecglib.load_beats("synthetic")
    assert beats.synthetic and (np.bincount(beats.label, minlength=5) >= 60).all()
    assert capsys.readouterr().out.startswith("SYNTHETIC")
