"""States of frozen layers are computed once, and a training with them is the training without."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from benchbench.kit import cache
from benchbench.kit.batching import pad
from benchbench.kit.frozen_layers import decoder_layers
from benchbench.kit.known_states import inputs_of, known_of
from benchbench.kit.scoring import Continuation, Scorer
from benchbench.kit.scoring.beginning import takes_beginning
from benchbench.kit.training import (
    TrainingRows,
    adapter_outputs,
    adapter_tensors,
    attach,
    frozen_states_known,
)
from benchbench.kit.training import frozen_states as module
from benchbench.machine.stopwatch import Stopwatch, watching
from tests.kit.test_frozen_layers import TAKE_NONE
from tests.support.models import ARCHITECTURES, load_model, write_model

LORA = {"rank": 4, "alpha": 8.0, "dropout": 0.0}
BEGINNING = [5, 6, 7, 8, 9]
PROMPTS = [[*BEGINNING, *rest] for rest in ([11, 12], [13, 14, 15], [16])]
TARGETS = [[Continuation((), answer)] for answer in ((3, 4), (7, 8, 9), (2,))]
ROWS = [[*prompt, *target.tokens[:-1]] for prompt, [target] in zip(PROMPTS, TARGETS, strict=True)]


def adapted(folder, layers=2, seed=0, quantization="none", origin="a model"):
    """Return a model with adapters on its last layers that are no longer zero."""
    loaded = load_model(folder, quantization)
    attach(loaded.model, {**LORA, "adapter_layers": layers}, seed)
    torch.manual_seed(seed)
    for tensor in adapter_outputs(loaded.model):
        torch.nn.init.normal_(tensor, std=0.1)
    return replace(loaded, facts={**loaded.facts, "origin": origin})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "llama", layers=4)


def gradients(loaded, sharing=True):
    """Return the scores of a step and the gradients of all adapters."""
    model = loaded.model
    scorer = Scorer(model, loaded.facts["pad_token_id"], True, sharing=sharing)
    model.zero_grad()
    scores = torch.cat(scorer.scores_each(PROMPTS, TARGETS))
    scores.sum().backward()
    return scores.detach(), [tensor.grad.clone() for tensor in adapter_tensors(model).values()]


def counted(loaded):
    """Return a list that gets an item whenever the lowest layer computes anything."""
    calls = []
    decoder_layers(loaded.model)[0].mlp.register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize(
    ("family", "quantization"),
    [*((family, "none") for family in ARCHITECTURES), ("llama", "nf4"), ("llama", "int8")],
)
def test_scores_and_gradients_are_those_of_the_plain_way(tmp_path, family, quantization):
    loaded = adapted(
        write_model(tmp_path / family, family=family, layers=4), quantization=quantization
    )
    takes = takes_beginning(loaded.model)
    for common in (0, len(BEGINNING)) if takes else (0,):
        plain = gradients(loaded, sharing=common > 0)
        rows = lambda common=common: TrainingRows(ROWS, common)  # noqa: E731
        with cache.enabled(tmp_path / "cache"), frozen_states_known(loaded, rows, 2) as facts:
            calls = counted(loaded) if facts["frozen_states"] == "kept" else []
            known = gradients(loaded, sharing=common > 0)
        assert facts["frozen_layers"] == 2
        assert (facts["frozen_states"] == "kept") == (family not in TAKE_NONE)
        assert calls == []
        assert torch.allclose(plain[0], known[0], atol=1e-5)
        for one, other in zip(plain[1], known[1], strict=True):
            assert torch.allclose(one, other, atol=1e-5 * float(one.abs().max() + 1))


def test_no_gradient_reaches_a_frozen_layer_without_a_cache_either(folder):
    loaded = adapted(folder)
    with frozen_states_known(loaded, lambda: TrainingRows(ROWS), 2) as facts:
        gradients(loaded)
    assert facts["frozen_states"] == "computed in every step: there is no cache"
    names = {name.split(".")[2] for name in adapter_tensors(loaded.model)}
    assert names == {"2", "3"}


def of_rows(loaded, path, rows=ROWS, common=0, batch_size=2):
    """Return (the known states of a model, how often its lowest layer computed anything)."""
    calls = counted(loaded)
    with (
        cache.enabled(path),
        frozen_states_known(loaded, lambda: TrainingRows(rows, common), batch_size),
    ):
        known = known_of(loaded.model)
        tokens = sum(length for _, length in known.places.values())
        return known.read(0, tokens), len(calls)


def test_other_seeds_and_rates_read_what_one_has_computed(folder, tmp_path):
    states, calls = of_rows(adapted(folder, seed=0), tmp_path)
    again, fewer = of_rows(adapted(folder, seed=1), tmp_path, rows=ROWS[::-1])
    assert torch.equal(states, again)
    # what is left: whether the model takes states (two forward passes), and of which dtype they are
    assert calls - fewer == 2


@pytest.mark.parametrize(
    "other",
    [{"rows": ROWS[:2]}, {"common": 5}, {"batch_size": 3}, {"layers": 1}, {"origin": "another"}],
    ids=str,
)
def test_what_decides_the_states_is_in_their_name(folder, tmp_path, other):
    of_rows(adapted(folder), tmp_path)
    made = {name: other.pop(name) for name in ("layers", "origin") if name in other}
    of_rows(adapted(folder, **made), tmp_path, **other)
    assert len(list((tmp_path / "states").iterdir())) == 2


def test_a_hit_costs_what_the_computation_took(folder, tmp_path):
    watches = []
    for _ in range(2):
        watches.append(Stopwatch())
        with watching(watches[-1]), watches[-1].stage("fit"):
            of_rows(adapted(folder), tmp_path)
    assert [watch.hits for watch in watches] == [0, 1]
    assert watches[1].credited > 0


def test_the_user_sees_how_many_rows_are_computed(folder, tmp_path):
    shown = []
    with watching(Stopwatch(show=lambda *step: shown.append(step))):
        of_rows(adapted(folder), tmp_path)
        of_rows(adapted(folder), tmp_path)
    assert shown == [("frozen layers", row, 3) for row in (1, 2, 3)]


def test_where_memory_runs_out_fewer_rows_are_computed_at_once(folder, tmp_path, monkeypatch):
    states, _ = of_rows(adapted(folder), tmp_path / "one", batch_size=3)
    below, sizes = module._below, []

    def short_of_memory(loaded, frozen, rows, before=None):
        sizes.append(len(rows))
        if len(rows) > 1:
            raise MemoryError
        return below(loaded, frozen, rows, before)

    monkeypatch.setattr(module, "_below", short_of_memory)
    again, _ = of_rows(adapted(folder), tmp_path / "two", batch_size=3)
    assert torch.allclose(states, again, atol=1e-5)
    assert sizes[1] == 3 and sizes[-3:] == [1, 1, 1]  # the first call asks for the dtype


def test_damaged_states_are_computed_again(folder, tmp_path):
    states, _ = of_rows(adapted(folder), tmp_path)
    [path] = (tmp_path / "states").glob("*/states.bin")
    path.write_bytes(b"\1" + path.read_bytes()[1:])
    assert torch.equal(of_rows(adapted(folder), tmp_path)[0], states)


def test_states_may_be_removed_while_they_are_used(folder, tmp_path):
    loaded = adapted(folder)
    with cache.enabled(tmp_path), frozen_states_known(loaded, lambda: TrainingRows(ROWS), 2):
        for path in (tmp_path / "states").glob("*/*"):
            path.unlink()
        ids = pad(ROWS, 0)[0]
        assert torch.equal(
            inputs_of(loaded.model, ROWS, ids)["inputs_embeds"][0, 0],
            loaded.model.benchbench_known.batch(ROWS)[0, 0],
        )


@pytest.mark.parametrize(
    ("most", "rows", "reason"),
    [
        (10, ROWS, "the cache has no room"),
        (2**30, [], "each epoch draws others"),
    ],
)
def test_where_states_are_not_kept_the_record_says_why(
    folder, tmp_path, monkeypatch, most, rows, reason
):
    monkeypatch.setattr(module, "MOST_BYTES", most)
    loaded = adapted(folder)
    with (
        cache.enabled(tmp_path),
        frozen_states_known(
            loaded, lambda: TrainingRows(rows, reason="each epoch draws others"), 2
        ) as facts,
    ):
        assert known_of(loaded.model) is None
    assert facts["frozen_states"] == f"computed in every step: {reason}"


def test_where_all_layers_are_trained_no_row_is_asked_for(folder, tmp_path):
    loaded = adapted(folder, layers="all")
    with (
        cache.enabled(tmp_path),
        frozen_states_known(loaded, lambda: pytest.fail("asked"), 2) as facts,
    ):
        pass
    assert facts == {"frozen_layers": 0, "frozen_states": None}


def test_after_the_training_the_model_computes_every_row(folder, tmp_path):
    loaded = adapted(folder)
    with cache.enabled(tmp_path), pytest.raises(ZeroDivisionError):  # noqa: SIM117
        with frozen_states_known(loaded, lambda: TrainingRows(ROWS), 2):
            _ = 1 / 0
    assert known_of(loaded.model) is None


def test_the_loss_of_a_head_is_that_of_the_plain_way(folder, tmp_path):
    loaded, ids = adapted(folder), pad(ROWS, 0)[0]
    with cache.enabled(tmp_path), frozen_states_known(loaded, lambda: TrainingRows(ROWS), 2):
        losses = [
            cross_entropy(
                loaded.model.base_model(**given, use_cache=False).last_hidden_state[:, 0, :3],
                torch.tensor([0, 1, 2]),
            )
            for given in ({"input_ids": ids}, inputs_of(loaded.model, ROWS, ids))
        ]
    assert torch.allclose(*losses, atol=1e-6)
