"""Pictures of scores against the number of training documents."""

from __future__ import annotations

from dataclasses import replace

from benchbench.evidence import Interval, LearningLaw, ShareScore, SystemLearning
from benchbench.render.charts.share_curve import share_curves

LAW = LearningLaw(0.9, 2.0, 0.5, 0.02, Interval(0.01, 0.03))
SCORES = tuple(
    ShareScore(share, int(800 * share), (0,), 0.5 + share / 4, Interval(0.4, 0.85), None, 0.5, 0.01)
    for share in (0.25, 0.5, 1.0)
)
LEARNING = SystemLearning("head", "<llama>", SCORES, LAW)


def marks(picture, look):
    return [shape for shape in picture.shapes if shape.attributes.get("class") == look]


def test_every_share_has_its_test_score_with_an_interval_and_its_validation_score():
    (picture,) = share_curves([LEARNING], "macro-F1")
    assert [len(marks(picture, look)) for look in ("dot", "other", "whisker")] == [3, 3, 3]
    assert "200: 0.562; 400: 0.625; 800: 0.750" in picture.description
    assert "expected to add +0.020" in picture.description
    assert picture.caption == "head · <llama>"


def test_documents_are_on_a_logarithmic_axis_and_the_curve_goes_to_twice_as_many():
    (picture,) = share_curves([LEARNING], "macro-F1")
    first, second, third = (float(dot.attributes["cx"]) for dot in marks(picture, "dot"))
    assert abs((second - first) - (third - second)) < 0.2
    points = marks(picture, "curve validation")[0].attributes["points"].split()
    starts, ends = (float(point.split(",")[0]) for point in (points[0], points[-1]))
    assert abs(starts - first) < 0.2
    assert abs(ends - (third + second - first)) < 0.2


def test_without_a_curve_the_scores_alone_are_drawn():
    unclear = replace(LEARNING, law=None, reason="it is not")
    (picture,) = share_curves([unclear], "macro-F1")
    assert marks(picture, "curve validation") == []
    assert len(marks(picture, "dot")) == 3
    bare = replace(SCORES[0], interval=None, validation=None, error=None)
    (picture,) = share_curves([replace(unclear, scores=(bare,))], "macro-F1")
    assert [len(marks(picture, look)) for look in ("dot", "other", "whisker")] == [1, 0, 0]


def test_all_pictures_have_one_scale_and_stay_inside():
    low = replace(LEARNING, method="tfidf", scores=tuple(replace(s, value=0.1) for s in SCORES))
    pictures = share_curves([LEARNING, low], "macro-F1")
    ticks = [[mark.text for mark in marks(picture, "tick")] for picture in pictures]
    assert ticks[0] == ticks[1]
    for picture in pictures:
        for dot in (*marks(picture, "dot"), *marks(picture, "other")):
            assert 0 < float(dot.attributes["cx"]) < picture.width
            assert 0 < float(dot.attributes["cy"]) < picture.height
    assert share_curves([], "macro-F1") == ()
