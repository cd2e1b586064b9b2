"""The ladder: which rung serves, what is said of those passed over, and what is never done."""

import hashlib
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


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project without neighbours, cache or network; returns its folder."""
    root = tmp_path / "class" / "project"
    root.mkdir(parents=True)
    monkeypatch.setattr(sources, "ROOT", root)
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    monkeypatch.delenv("ECG_DATA", raising=False)

    def unreachable():
        raise physionet.DownloadError("PhysioNet is not in reach: test. More.")

    def unreachable_too():
        raise kaggle.KaggleError("Kaggle could not be reached. More.")

    monkeypatch.setattr(physionet, "probe", unreachable)
    monkeypatch.setattr(kaggle, "probe", unreachable_too)
    return root


def put_records(folder: Path, names=MITDB_RECORDS, lacking=()) -> Path:
    """Files with the names of records; what is in them doesn't matter to the ladder."""
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


def cache_database(monkeypatch, folder: Path) -> None:
    """A cache in which every file is whole."""
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    monkeypatch.setattr(physionet, "registry", lambda: files)


# The order ----------------------------------------------------------------------------------------


def test_the_rungs_in_order(project, tmp_path, monkeypatch):
    """Built from the bottom up: each new rung takes over from those below it."""
    served = []

    def fetch():
        served.append("physionet")
        return put_records(physionet.cache_folder())

    found = locate()
    assert found.source == "synthetic"

    monkeypatch.setattr(kaggle, "probe", lambda: None)
    monkeypatch.setattr(kaggle, "download", lambda: put_csv(tmp_path / "from_kaggle"))
    assert (locate().source, locate().folder) == ("kaggle", tmp_path / "from_kaggle")

    monkeypatch.setattr(physionet, "probe", lambda: None)
    monkeypatch.setattr(physionet, "fetch", fetch)
    assert locate().source == "physionet" and served == ["physionet"]

    cache_database(monkeypatch, physionet.cache_folder())
    found = locate()
    assert (found.source, found.where, len(served)) == ("physionet", "your cache", 1)

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


@pytest.mark.parametrize("sub", ["", "mitdb"])
def test_ecg_data_names_the_records_or_the_folder_above(project, tmp_path, monkeypatch, sub):
    put_records(tmp_path / "elsewhere" / sub)
    monkeypatch.setenv("ECG_DATA", str(tmp_path / "elsewhere"))
    assert locate("folder").folder == tmp_path / "elsewhere" / sub


def test_files_downloaded_by_hand_serve(project):
    put_csv(project / "data")
    assert locate().source == locate("kaggle").source == "kaggle"
    put_records(project / "data" / "mitdb")
    assert locate().source == "folder"
    assert locate("kaggle").folder == project / "data"


def test_a_root_may_hold_the_csv_files(project, tmp_path):
    put_csv(tmp_path / "mine")
    assert locate(root=tmp_path / "mine").source == "kaggle"
    assert locate("kaggle", tmp_path / "mine").folder == tmp_path / "mine"
    with pytest.raises(DataSourceError):
        locate("folder", tmp_path / "mine")


def test_kaggles_cache_is_used_without_a_network(project):
    put_csv(kaggle._own_cache())
    assert locate().source == locate("kaggle").source == "kaggle"


# Incomplete folders -------------------------------------------------------------------------------


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


def test_own_recordings_serve_only_as_root(project):
    put_records(project / "data", ["mine"])
    assert locate().source == "synthetic"
    found = locate(root=project / "data")
    assert found.describe() == "1 annotated record of your own from data."


def test_a_part_of_mit_bih_serves_as_root_and_says_so(project, tmp_path):
    put_records(tmp_path / "few", ["100", "101"])
    assert "Only 2 of the 48 records" in locate(root=tmp_path / "few").describe()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, "is not a folder"),
        (lambda folder: folder.mkdir(), "holds none"),
        (lambda folder: folder.touch(), "is not a folder"),
        (lambda folder: put_csv(folder, kaggle.FILES[:1]), r"mitbih_test\.csv is missing"),
        (lambda folder: put_records(folder, ["100"], ["100.dat"]), r"100\.dat"),
        (lambda folder: put_records(folder, ["x"], ["x.atr"]), "records without annotations"),
    ],
)
def test_a_root_that_does_not_do_is_an_error_even_if_others_would(project, tmp_path, make, words):
    put_records(project / "data" / "mitdb")
    make(tmp_path / "mine")
    with pytest.raises(DataSourceError, match=words):
        locate("auto", tmp_path / "mine")


def test_an_ecg_data_that_does_not_do_is_mentioned(project, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_DATA", str(tmp_path / "typo"))
    put_records(project / "data" / "mitdb")
    assert locate().describe().endswith("Passed over: $ECG_DATA is not a folder.")


# Named sources never fall back --------------------------------------------------------------------


def test_folder_does_not_go_further(project, monkeypatch):
    put_records(physionet.cache_folder())
    cache_database(monkeypatch, physionet.cache_folder())
    with pytest.raises(
        DataSourceError, match=r"data, \.\./shared hold none.*Ways to the real data"
    ):
        locate("folder")


def test_physionet_does_not_look_at_folders(project, monkeypatch):
    put_records(project / "data" / "mitdb")
    monkeypatch.setattr(physionet, "BASE_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(physionet, "RETRIES", 0)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(DataSourceError, match="could not be downloaded: the connection failed"):
        locate("physionet")


def test_kaggle_ends_with_the_ways_out(project, monkeypatch):
    put_records(project / "data" / "mitdb")

    def refuse():
        raise kaggle.KaggleError(f"No. {kaggle.WAYS_OUT}")

    monkeypatch.setattr(kaggle, "download", refuse)
    with pytest.raises(DataSourceError, match="Three ways out"):
        locate("kaggle")


def test_synthetic_looks_nowhere(project):
    put_records(project / "data" / "mitdb")
    found = locate("synthetic")
    assert found.source == "synthetic" and found.folder == synthetic.cached()


def test_unknown_sources_and_useless_roots(project, tmp_path):
    with pytest.raises(ValueError, match="no source 'mitdb'.*auto, folder, physionet, kaggle"):
        locate("mitdb")
    for source in ("physionet", "synthetic"):
        with pytest.raises(ValueError, match="leave it out"):
            locate(source, tmp_path)


# Nothing in reach ---------------------------------------------------------------------------------


def test_the_last_rung_is_announced_in_one_line(project):
    line = locate().describe()
    assert line.startswith("SYNTHETIC") and "\n" not in line
    for words in (
        "PhysioNet is not in reach",
        "Kaggle could not be reached",
        "data/mitdb",
        "ECG_DATA",
    ):
        assert words in line
    assert str(Path.home()) not in line and str(project) not in line


def test_probes_that_never_end_are_not_waited_for(project, monkeypatch):
    end = threading.Event()
    monkeypatch.setattr(physionet, "probe", end.wait)
    monkeypatch.setattr(kaggle, "probe", end.wait)
    assert sources.PROBE_SECONDS * 2 <= 15
    monkeypatch.setattr(sources, "PROBE_SECONDS", 0.05)
    line = locate().describe()
    end.set()
    assert "PhysioNet doesn't answer; Kaggle doesn't answer" in line


def test_a_download_that_fails_goes_on_to_the_next_rung(project, monkeypatch, capsys):
    def break_off():
        raise physionet.DownloadError("100.dat could not be downloaded: broke off. More.")

    monkeypatch.setattr(physionet, "probe", lambda: None)
    monkeypatch.setattr(physionet, "fetch", break_off)
    line = locate().describe()
    assert "100.dat could not be downloaded: broke off" in line
    assert "92 MB" in capsys.readouterr().out  # whoever waits knows what for


# What is located ----------------------------------------------------------------------------------


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


def test_checksum_of_kaggles_files(project, tmp_path):
    put_csv(tmp_path / "mine")
    before = locate(root=tmp_path / "mine").checksum()
    (tmp_path / "mine" / "mitbih_test.csv").write_text("1\n")
    assert locate(root=tmp_path / "mine").checksum() != before


def test_nobodys_folders_are_named(project, tmp_path):
    put_records(tmp_path / "private" / "ecg", ["x1"])
    line = locate(root=tmp_path / "private" / "ecg").describe()
    assert line == "1 annotated record of your own from the folder given (ecg)."


@pytest.mark.data
def test_the_real_recordings(mitdb):
    found = locate(root=mitdb)
    assert found.describe().startswith("MIT-BIH Arrhythmia Database, 48 records, from ")
    assert found.checksum() == locate("folder", os.fspath(mitdb.parent)).checksum()


def test_synthetic_beats_load(project, capsys):
    beats = ecglib.load_beats("synthetic")
    assert beats.synthetic and (np.bincount(beats.label, minlength=5) >= 60).all()
    assert capsys.readouterr().out.startswith("SYNTHETIC")
