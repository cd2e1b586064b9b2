"""An archive's files: what belongs to a recording, and what is written, whatever fails."""

from pathlib import Path

import fsspec
import pytest

from ecglib.apps.archive.combine import put_together
from ecglib.apps.archive.files import Entry, atomic_open, find_recordings


def test_segments_belong_to_their_record(tmp_path):
    names = ("m.hea", "m_0001.hea", "m_0001.dat", "m_layout.hea", "lone_0001.hea", "lone_0001.dat")
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    found = find_recordings(str(tmp_path), "")
    assert [entry.name for entry in found] == ["lone_0001", "m"]
    assert {Path(f).name for f in found[1].files} == {*names[:4]}
    (tmp_path / "m_0001.dat").write_bytes(b"longer")
    assert find_recordings(str(tmp_path), "")[1].key != found[1].key


@pytest.mark.parametrize("url", ["memory://results/R.parquet", "{tmp_path}/R.parquet"])
def test_writing_that_fails_leaves_nothing(url: str, tmp_path: Path) -> None:
    url = url.format(tmp_path=tmp_path)
    with atomic_open(url) as file:
        file.write(b"old")
    with pytest.raises(ZeroDivisionError), atomic_open(url) as file:
        file.write(b"new")
        raise ZeroDivisionError
    storage, path = fsspec.url_to_fs(url)
    assert storage.cat_file(path) == b"old"
    assert len(storage.find(path.rpartition("/")[0])) == 1


def test_where_all_fail_no_older_beats_are_left(tmp_path: Path) -> None:
    (tmp_path / "R.parquet").write_bytes(b"of an earlier call")
    entry = Entry("s01", "s01.hea", ("s01.hea",), "key")
    recordings = put_together(
        [entry], {"s01": "It is broken."}, "", str(tmp_path / "R.parquet"), ""
    )
    assert recordings["failure"].tolist() == ["It is broken."]
    assert [file.name for file in tmp_path.iterdir()] == ["R.recordings.csv"]
