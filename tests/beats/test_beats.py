"""The cut: what DESIGN's rule says, sample by sample, and what the published rows say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import KDTree

from ecglib.beats.beats import BEAT_SAMPLES, Beats, cut_beats, cut_rows
from ecglib.labels import CLASSES
from ecglib.recordings.recording import Recording


def plain_cut(signal, marks, keep):
    """The rule written out beat by beat, as slow and as plain as it can be."""
    ends = [*marks, len(signal)]
    rows = []
    for k in keep:
        stop = ends[k + 1] + int(0.2 * (ends[k + 2] - ends[k + 1]))
        crop = signal[ends[k] : stop][::3].astype(float)
        span = crop.max() - crop.min()
        crop = (crop - crop.min()) / span if span else 0 * crop
        rows.append(np.pad(crop[:BEAT_SAMPLES], (0, max(0, BEAT_SAMPLES - len(crop)))))
    return np.array(rows)


def recording(symbols="+NNVN", step=300, fs=360.0, n_leads=1):
    marks = 50 + step * np.arange(len(symbols))
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(marks[-1] + 400, n_leads)).astype(np.float32)
    leads = tuple(f"lead {i}" for i in range(n_leads))
    return Recording("x", fs, signal, leads, marks, np.array(list(symbols)))


@pytest.mark.parametrize("seed", range(5))
def test_vectorised_cut_equals_the_rule(seed):
    rng = np.random.default_rng(seed)
    signal = rng.integers(0, 2048, 20_000).astype(np.float32)
    marks = np.sort(rng.choice(np.arange(19_990), 60, replace=False))
    keep = np.arange(59)
    assert np.abs(cut_rows(signal, marks, keep) - plain_cut(signal, marks, keep)).max() < 1e-6


def test_last_annotation_has_no_row_and_other_marks_end_a_row():
    beats = cut_beats(recording("+NNV~N"))
    assert "".join(CLASSES[i] for i in beats.label) == "NNV"
    assert list(beats.sample) == [350, 650, 950]
    # The third beat's row ends at the noise mark, its RR interval only at the next beat.
    assert np.allclose(beats.rr_after, [300 / 360, 300 / 360, 600 / 360])
    assert np.isnan(beats.rr_before[0])
    assert np.allclose(beats.rr_before[1:], 300 / 360)


def test_flat_signal_gives_zeros_and_no_warning():
    flat = recording()
    flat.signal[:] = 0.7
    assert not cut_beats(flat).signal.any()


def test_gain_and_offset_do_not_matter():
    one = recording()
    other = Recording(
        "x", 360.0, 200 * one.signal + 1024, one.leads, one.mark_sample, one.mark_symbol
    )
    assert np.allclose(cut_beats(one).signal, cut_beats(other).signal, atol=1e-4)


def test_other_sampling_rate_is_resampled():
    time = np.arange(0, 20, 1 / 250)
    signal = np.sin(2 * np.pi * 1.3 * time).astype(np.float32)[:, None]
    marks = np.arange(100, 4800, 200)
    slow = Recording("slow", 250.0, signal, ("I",), marks, np.array(["N"] * len(marks)))
    beats = cut_beats(slow)
    assert list(beats.sample) == list(marks[:-1])
    assert np.allclose(beats.rr_after, 0.8)
    length = (beats.signal != 0).cumsum(axis=1).argmax(axis=1)  # 0.8 s + a fifth of 0.8 s, 120 Hz
    assert np.abs(length[:-1] - 0.96 * 120).max() <= 2


def test_a_gap_costs_no_beat():
    whole = recording()
    signal = whole.signal.copy()
    signal[700:703] = np.nan
    holed = cut_beats(replace(whole, signal=signal)).signal
    assert (holed.max(axis=1) == 1).all()
    assert np.abs(holed - cut_beats(whole).signal).max() < 0.5


def test_annotations_that_do_not_fit_are_refused():
    good = recording()
    for marks in (good.mark_sample + 10_000, good.mark_sample[::-1]):
        with pytest.raises(ValueError, match="does not belong"):
            cut_beats(Recording("x", 360.0, good.signal, good.leads, marks, good.mark_symbol))
    with pytest.raises(ValueError, match="no lead 3"):
        cut_beats(good, lead=3)


def test_no_beats_and_one_beat_give_no_rows():
    assert len(cut_beats(recording("+"))) == 0
    assert len(cut_beats(recording("N"))) == 0


def test_indexing_keeps_everything_aligned():
    beats = cut_beats(recording("NVNVNVN"))
    chosen = beats[beats.label == CLASSES.index("V")]
    assert isinstance(chosen, Beats)
    assert len(chosen) == 3
    assert list(chosen.sample) == [350, 950, 1550]
    assert beats[2].signal.shape == (1, BEAT_SAMPLES)
    assert beats[1:3].source == beats.source


@pytest.mark.data
def test_rows_equal_genuine_ones(mitdb_beats, kaggle_rows):
    with np.load(kaggle_rows) as rows:
        signal, label = rows["signal"], rows["label"]

    distance, nearest = KDTree(mitdb_beats.signal).query(signal, distance_upper_bound=1e-3)
    assert np.isfinite(distance).all()
    assert np.abs(mitdb_beats.signal[nearest] - signal).max() < 1e-5
    assert (mitdb_beats.label[nearest] == label).all()


@pytest.mark.data
def test_what_is_known_of_a_beat_goes_with_it_in_any_order(mitdb_beats) -> None:
    chosen = np.random.default_rng(0).permutation(len(mitdb_beats))[:5000]
    some = mitdb_beats[chosen]
    np.testing.assert_array_equal(some.rhythm, mitdb_beats.rhythm[chosen])
    time = some.sample / some.fs
    assert set(some.fs) == {360} and (time >= 0).all() and (time < 650_000 / 360).all()
    assert some.folder == mitdb_beats.folder and (some.folder / "100.hea").is_file()
    assert "5,000 of 48 records from folder" in repr(some)
