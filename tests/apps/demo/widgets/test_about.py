"""The page "About", and the cautions above all pages."""

import pytest

from demo_fakes import FakeClassifier
from ecglib.apps.demo.state.export import normal_scores
from ecglib.apps.demo.state.gallery import Gallery
from ecglib.apps.demo.widgets.about import about_html, cautions
from ecglib.beats.beats import Beats

OTHER = "under the protocol 'kaggle', the test beats are those of 'patients'"
SYNTHETIC = "trained on synthetic beats and these are recorded ones"
RECORDED = "trained on recorded beats and these are synthetic ones"


@pytest.mark.parametrize(
    ("trained_on", "protocol", "synthetic", "expected"),
    [
        ({"protocol": "kaggle", "synthetic": False}, "kaggle", False, []),
        ({"protocol": "kaggle", "synthetic": False}, "patients", False, [OTHER]),
        ({}, "kaggle", False, ["under an unknown protocol"]),
        ({"protocol": "kaggle", "synthetic": True}, "kaggle", True, ["SYNTHETIC"]),
        ({"protocol": "kaggle", "synthetic": True}, "patients", False, [SYNTHETIC]),
        ({"protocol": "kaggle", "synthetic": False}, "kaggle", True, ["SYNTHETIC", RECORDED]),
    ],
)
def test_cautions(trained_on: dict, protocol: str, synthetic: bool, expected: list[str]) -> None:
    found = cautions({"trained_on": trained_on}, protocol, synthetic)
    assert len(found) == len(expected)
    assert all(part in sentence for part, sentence in zip(expected, found, strict=True))


def test_about(beats: Beats) -> None:
    gallery = Gallery(FakeClassifier(), beats)
    assert normal_scores(gallery) == {}
    gallery.proba = gallery.classify()
    metrics = {"test": {"beats": 10, "accuracy": 0.75}}
    card = {"name": "<b>", "parameters": 210246, "metrics": metrics, "threshold": 0.735}
    page = about_html(card, normal_scores(gallery))
    for words in ("not a medical device", "210,246", "75.00%", "73.5%", "physionet.org"):
        assert words in page
    for words in ("abnormal predicted as Normal", "expected cost per beat", "10 beats;"):
        assert words in page
    assert "<b><" not in page and "&lt;b&gt;" in page
    assert "abnormal predicted as Normal" not in about_html(card, {})
    normal = Gallery(FakeClassifier(), beats[beats.label == 0])
    normal.proba = normal.classify()
    assert normal_scores(normal) == {}  # it needs beats of both kinds
