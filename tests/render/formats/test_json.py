"""A leaderboard as JSON: unrounded values and the evidence behind them."""

from __future__ import annotations

import json

import pytest

from benchbench.render.formats import json as json_format


def test_json_holds_tables_and_evidence_and_is_the_same_twice(made):
    _, built, evidence = made
    text = json_format.render(built)
    assert text == json_format.render(built)
    data = json.loads(text)["datasets"][0]
    (found,) = evidence.datasets.values()
    assert data["tables"]["ranking"][0]["macro_f1"] == pytest.approx(found.systems[0].value)
    assert data["tables"]["pairs"][0]["p_holm"] == found.pairs[0].p_holm
    assert data["evidence"]["pairs"][0]["mcnemar"][0]["p"] == found.pairs[0].mcnemar[0].p
