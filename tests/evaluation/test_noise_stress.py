"""What is found in noise belongs to the beats that were asked about."""

from dataclasses import replace

import numpy as np

from ecglib.beats.beats import cut_beats
from ecglib.evaluation import noise_stress
from ecglib.evaluation.noise_stress import detection_table, noise_scores, noisy_rows
from ecglib.recordings import noise as nst
from ecglib.recordings.wfdb import read_recording


def test_noisy_rows_belong_to_the_beats_asked_about(noisy_folder):
    names = ("s01", "s02")
    every = [cut_beats(read_recording(noisy_folder / "mitdb" / name)) for name in names]
    beats = every[1][[7, 3]]
    noise = nst.read_noise(noisy_folder / "nstdb")
    asked = [(nst.NONE, nst.CLEAN), ("em", 0.0)]
    rows = noisy_rows(noisy_folder / "mitdb", beats, noise, asked)
    assert np.array_equal(rows[nst.NONE, nst.CLEAN], beats.signal)
    assert not np.array_equal(rows["em", 0.0], beats.signal)
    again = noisy_rows(noisy_folder / "mitdb", beats, noise, asked)
    assert np.array_equal(rows["em", 0.0], again["em", 0.0])
    one_hot = np.eye(5)[beats.label]
    table = noise_scores(beats.label, dict.fromkeys(asked, one_hot))
    assert table["accuracy"].tolist() == [1, 1] and table["snr_db"].tolist() == [np.inf, 0]


def test_detection_gets_harder_with_noise(noisy_folder):
    noise = nst.read_noise(noisy_folder / "nstdb")
    asked = [(nst.NONE, nst.CLEAN), ("ma", -12.0)]
    table = detection_table(noisy_folder / "mitdb", ["s01"], noise, asked, seconds=20)
    assert table["beats"].nunique() == 1 and table["beats"][0] > 10
    assert table["f1"][0] > 0.9 > table["f1"][1]


def test_recordings_without_a_beat_in_the_piece_are_left_out(noisy_folder, monkeypatch):
    noise = nst.read_noise(noisy_folder / "nstdb")
    read = noise_stress.read_recording

    def silent(path, leads):
        recording = read(path, leads)
        kept = slice(0, 0 if path.name == "s02" else None)
        marks = recording.mark_sample[kept], recording.mark_symbol[kept]
        return replace(recording, mark_sample=marks[0], mark_symbol=marks[1])

    monkeypatch.setattr(noise_stress, "read_recording", silent)
    one, both = (
        detection_table(noisy_folder / "mitdb", names, noise, [("em", 0.0)], seconds=20)
        for names in (["s01"], ["s01", "s02"])
    )
    assert one.equals(both)
