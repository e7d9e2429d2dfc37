"""A document's vector reads what the mask keeps, and a new pooling is one row of a table."""

from __future__ import annotations

import pytest
import torch
from benchbench_finetune import benchbench_methods

from benchbench.contract import UnknownName
from benchbench.kit.pooling import POOLINGS, last_token, pool, pooling_parameter, position_ids
from tests.support.changed_source import run_with_changed_file
from tests.support.models import toy_split, write_encoder, write_model


@pytest.mark.parametrize("how", POOLINGS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_pooling_reads_only_what_the_mask_keeps(how, side):
    torch.manual_seed(0)
    rows = [torch.randn(length, 5) for length in (3, 1, 6)]
    whole = torch.cat([pool(row[None], torch.ones(1, len(row)), how) for row in rows])
    hidden, mask = torch.full((3, 8, 5), float("nan")), torch.zeros(3, 8, dtype=torch.long)
    for index, row in enumerate(rows):
        kept = slice(8 - len(row), 8) if side == "left" else slice(0, len(row))
        hidden[index, kept], mask[index, kept] = row, 1
    assert torch.equal(pool(hidden, mask, how), whole) or torch.allclose(
        pool(hidden, mask, how), whole, atol=1e-6
    )


def test_pooling_gives_float32_whatever_the_model_computes_in():
    hidden = torch.randn(2, 3, 4, dtype=torch.bfloat16)
    assert pool(hidden, torch.ones(2, 3), "mean").dtype == torch.float32


def test_positions_begin_at_the_first_kept_token():
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 0]])
    assert position_ids(mask).tolist() == [[0, 0, 0, 1], [0, 1, 2, 2]]
    assert last_token(mask).tolist() == [3, 2]


def test_an_unknown_pooling_is_refused():
    with pytest.raises(UnknownName, match=r"unknown pooling 'lost'\. Did you mean 'last'\?"):
        pool(torch.ones(1, 2, 3), torch.ones(1, 2), "lost")


def test_a_method_offers_every_pooling_but_those_that_it_leaves_out():
    parameter = pooling_parameter("mean", without=("first",))
    assert parameter.default == "mean"
    assert parameter.choices == ("mean", *(n for n in POOLINGS if n not in ("mean", "first")))
    for name in parameter.choices:
        assert f"{name}: {POOLINGS[name].description}" in parameter.help


def test_the_methods_offer_these_poolings_with_the_default_first():
    offered = {
        method.name: (parameter.default, parameter.choices)
        for method in benchbench_methods()
        for parameter in method.parameters
        if parameter.name == "pooling"
    }
    assert offered == {
        "embedding-head": ("last", ("last", "mean", "max")),
        "frozen-embedding": ("mean", ("mean", "last", "first", "max")),
        "encoder": ("first", ("first", "mean", "max")),
    }


FIRST_ROW = '    "last": Pooling('
NEW_ROW = """    "both-ends": Pooling(
        "the mean of the first and the last", lambda *both: (_first(*both) + _last(*both)) / 2
    ),
"""
USE_IT = """
import sys
from pathlib import Path
from benchbench.contract import resolve
from benchbench_finetune import benchbench_methods
from tests.support.models import bind_model, toy_task

causal, encoder = (bind_model(Path(folder)) for folder in sys.argv[1:])
for method in benchbench_methods():
    declared = {parameter.name: parameter for parameter in method.parameters}
    if "pooling" not in declared:
        continue
    assert "both-ends" in declared["pooling"].choices
    assert "both-ends: the mean of the first and the last" in declared["pooling"].help
    values, faults = resolve(method.name, method.parameters, {"pooling": "both-ends"})
    assert not faults
    backbone = encoder if method.backbone_kinds == ("encoder",) else causal
    values |= {"epochs": 1} if "epochs" in declared else {}
    classifier = method.fit(toy_task(method, backbone, documents=16, **values))
    assert classifier.predict_logits(["pump"]).shape == (1, 3)
    assert classifier.embedder.pooling == "both-ends"
    print(method.name)
"""


def test_a_further_pooling_is_a_row_of_one_file(tmp_path):
    texts = toy_split(50)["text"]
    folders = [write_model(tmp_path / "llama", texts), write_encoder(tmp_path / "bert", texts)]
    change = ("benchbench/kit/pooling.py", FIRST_ROW, NEW_ROW + FIRST_ROW)
    printed = run_with_changed_file(tmp_path / "source", *change, USE_IT, *folders)
    assert printed.split() == ["embedding-head", "frozen-embedding", "encoder"]
