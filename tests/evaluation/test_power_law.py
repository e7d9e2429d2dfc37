"""The curve over the number of training documents: planted ones are found, unclear ones refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.evaluation.power_law import MeasuredScores, NotDetermined, fit_power_law

DOCUMENTS = (100, 200, 400, 800)


def curve(asymptote, scale, exponent, documents=DOCUMENTS):
    return np.array([asymptote - scale * n**-exponent for n in documents])


def noise(error, shared=0.7, count=4):
    """Return the covariance of scores of which the same documents share most of the noise."""
    return error**2 * (shared * np.ones((count, count)) + (1 - shared) * np.eye(count))


@given(st.floats(0.5, 1), st.floats(0.1, 0.6), st.floats(0.15, 1.2))
@settings(max_examples=40, deadline=None)
def test_scores_on_a_curve_give_that_curve(asymptote, rise, exponent):
    scale = rise * 100**exponent
    law = fit_power_law(MeasuredScores(DOCUMENTS, curve(asymptote, scale, exponent), noise(3e-4)))
    true = scale * 800**-exponent * (1 - 2**-exponent)
    assert law.gain == pytest.approx(true, abs=0.002)
    assert law.gain == pytest.approx(law(1600) - law(800))
    assert law.low <= true + 1e-3 and true - 1e-3 <= law.high
    assert [law(n) for n in DOCUMENTS] == pytest.approx(
        list(curve(asymptote, scale, exponent)), abs=0.002
    )


@pytest.mark.parametrize(
    "planted", [(0.95, 2, 0.5), (0.9, 1, 0.2), (0.8, 3, 0.7), (0.7, 0, 0.5)], ids=str
)
def test_the_interval_holds_the_gain_of_a_noisy_curve(planted):
    _, scale, exponent = planted
    true = scale * 800**-exponent * (1 - 2**-exponent)
    random, covariance, held = np.random.default_rng(5), noise(0.01), []
    for _ in range(40):
        scores = random.multivariate_normal(curve(*planted), covariance)
        try:
            law = fit_power_law(MeasuredScores(DOCUMENTS, scores, covariance))
        except NotDetermined:
            continue
        held.append(law.low - 1e-9 <= true <= law.high + 1e-9)
    assert len(held) >= 36
    assert sum(held) >= 0.88 * len(held)


def test_noise_that_all_scores_share_does_not_widen_the_interval():
    scores = curve(0.9, 2, 0.5)
    wide, narrow = (
        fit_power_law(MeasuredScores(DOCUMENTS, scores, noise(0.02, shared)))
        for shared in (0.0, 0.99)
    )
    assert narrow.high - narrow.low < 0.5 * (wide.high - wide.low)


def test_where_lower_is_better_a_gain_is_a_fall():
    loss = 0.4 + 3 * np.array(DOCUMENTS) ** -0.5
    measured = MeasuredScores(DOCUMENTS, loss, noise(1e-4), None, lower_is_better=True)
    law = fit_power_law(measured)
    assert law(800) == pytest.approx(loss[-1], abs=1e-3)
    assert law.low <= law.gain <= law.high < 0


def test_the_curve_never_passes_the_best_value_of_the_metric():
    scores = np.array([0.7, 0.85, 0.95, 0.99])
    law = fit_power_law(MeasuredScores(DOCUMENTS, scores, noise(0.02)))
    assert law.asymptote <= 1
    assert law(1e12) <= 1


def test_scores_that_do_not_change_gain_nothing():
    law = fit_power_law(MeasuredScores(DOCUMENTS, np.full(4, 0.3), noise(0.02, shared=1.0)))
    assert (law.gain, law.scale) == (0, 0)
    assert law.high == pytest.approx(0, abs=1e-6)
    without_noise = fit_power_law(MeasuredScores(DOCUMENTS, np.full(4, 0.3), np.zeros((4, 4))))
    assert without_noise.gain == 0


UNCLEAR = {
    "two": ((100, 200), (0.5, 0.6), 0.01, "fewer than 3 numbers"),
    "twice-the-same": ((100, 100, 200), (0.5, 0.5, 0.6), 0.01, "fewer than 3 numbers"),
    "falls": (DOCUMENTS, (0.8, 0.7, 0.6, 0.5), 0.01, "no such curve"),
    "jumps": (DOCUMENTS, (0.5, 0.5, 0.5, 0.8), 0.005, "no such curve"),
    "too-noisy": (DOCUMENTS, (0.2, 0.3, 0.4, 0.5), 0.1, r"change by \+0.100 ± 0.078"),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_is_not_determined_is_refused_with_its_reason(case):
    documents, scores, error, reason = UNCLEAR[case]
    covariance = noise(error, shared=0.2, count=len(documents))
    with pytest.raises(NotDetermined, match=reason):
        fit_power_law(MeasuredScores(documents, np.array(scores), covariance))


def test_the_same_scores_give_the_same_numbers():
    measured = MeasuredScores(DOCUMENTS, curve(0.9, 2, 0.5) + 0.003, noise(0.01))
    assert fit_power_law(measured) == fit_power_law(measured)
