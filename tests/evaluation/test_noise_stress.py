"""Rows, scores and R-peak detection in noise."""

from dataclasses import replace

import numpy as np

from ecglib.datasets.load import load_beats
from ecglib.evaluation import noise_stress
from ecglib.evaluation.noise_stress import detection_table, noise_scores, noisy_rows
from ecglib.recordings import noise as nst


def test_noisy_rows_belong_to_their_beats(noisy_folder):
    beats = load_beats("folder", noisy_folder / "mitdb")
    beats = beats[np.flatnonzero(beats.record == "s02")[[7, 3]]]
    noise = nst.read_noise(noisy_folder / "nstdb")
    conditions = [(nst.NONE, nst.CLEAN), ("em", 0.0)]
    rows, again = (noisy_rows(beats, noise, conditions) for _ in range(2))
    assert np.array_equal(rows[nst.NONE, nst.CLEAN], beats.signal)
    assert not np.array_equal(rows["em", 0.0], beats.signal)
    assert np.array_equal(rows["em", 0.0], again["em", 0.0])
    table = noise_scores(beats.label, dict.fromkeys(conditions, np.eye(5)[beats.label]))
    assert table["accuracy"].tolist() == [1, 1] and table["snr_db"].tolist() == [np.inf, 0]


def test_detection_gets_harder_with_noise(noisy_folder):
    noise = nst.read_noise(noisy_folder / "nstdb")
    conditions = [(nst.NONE, nst.CLEAN), ("ma", -12.0)]
    beats = load_beats("folder", noisy_folder / "mitdb")[[0]]
    table = detection_table(beats, noise, conditions, seconds=20)
    assert table["beats"].nunique() == 1 and table["beats"][0] > 10
    assert table["f1"][0] > 0.9 > table["f1"][1]


def test_recordings_without_a_beat_in_the_piece_are_left_out(noisy_folder, monkeypatch):
    noise = nst.read_noise(noisy_folder / "nstdb")
    read = noise_stress.read_recording

    def silent(path, leads):
        recording = read(path, leads)
        kept = slice(0, 0 if path.name == "s02" else None)
        return replace(recording, mark_sample=recording.mark_sample[kept],
                       mark_symbol=recording.mark_symbol[kept])  # fmt: skip

    monkeypatch.setattr(noise_stress, "read_recording", silent)
    beats = load_beats("folder", noisy_folder / "mitdb")
    one, both = (
        detection_table(some, noise, [("em", 0.0)], seconds=20) for some in (beats[[0]], beats)
    )
    assert one.equals(both)
