"""What prompts begin with is computed once, with the scores and gradients of the plain way."""

from __future__ import annotations

import pytest
import torch
import transformers

from benchbench.kit.scoring import beginning as module
from benchbench.kit.scoring.beginning import Beginning, shared_beginning, takes_beginning
from benchbench.kit.scoring.scorer import Scorer
from benchbench.kit.scoring.shared_attention import NAME
from benchbench.kit.scoring.trie import Continuation
from tests.support.models import load_model, write_model

TAKEN = ("llama", "mistral", "qwen2", "qwen3", "phi3", "olmo2", "gpt_neox")
PLAIN = ("gpt2", "falcon", "bloom", "gpt_oss", "gemma2")
HEAD = [0, *range(20, 41)]
PROMPTS = [[*HEAD, 50 + row, *range(60, 60 + row), 45] for row in range(4)]
ONE = [[Continuation((), (70 + row, 71, 1)[row % 2 :])] for row in range(4)]
SEVERAL = [
    [Continuation((80 + row, 90), (91,)), Continuation((80, 90), (92, 93))] for row in range(4)
]


def adapted(folder, family, rank=4):
    """Return a model with adapters that do something, without dropout, and its trained tensors."""
    from benchbench.kit.training import adapter_tensors, attach

    model = load_model(write_model(folder / family, ["some text"], family=family)).model
    params = {"rank": rank, "alpha": 8.0, "dropout": 0.0, "adapter": "lora"}
    attach(model, params, seed=0)
    tensors = list(adapter_tensors(model).values())
    random = torch.Generator().manual_seed(0)
    for tensor in tensors:
        tensor.data = torch.randn(tensor.shape, generator=random) * 0.1
    return model.train(), tensors


def loss_and_gradients(model, tensors, targets, sharing):
    scorer = Scorer(model, 0, True, sharing=sharing)
    loss = -torch.cat(scorer.scores_each(PROMPTS, targets)).sum()
    gradients = torch.autograd.grad(loss, tensors, allow_unused=True)
    pairs = zip(gradients, tensors, strict=True)
    return loss.item(), [torch.zeros_like(t) if g is None else g for g, t in pairs]


@pytest.mark.parametrize("targets", [ONE, SEVERAL], ids=["a label", "questions"])
@pytest.mark.parametrize("family", TAKEN)
def test_losses_and_gradients_are_those_of_whole_prompts(tmp_path, family, targets):
    model, tensors = adapted(tmp_path, family)
    assert takes_beginning(model)
    shared, gradients = loss_and_gradients(model, tensors, targets, sharing=True)
    plain, expected = loss_and_gradients(model, tensors, targets, sharing=False)
    assert shared == pytest.approx(plain, rel=1e-5)
    largest = max(float(tensor.abs().max()) for tensor in expected)
    assert largest > 0
    for found, right in zip(gradients, expected, strict=True):
        assert (found - right).abs().max() <= 1e-5 * max(1.0, largest)


@pytest.mark.parametrize("family", PLAIN)
def test_a_model_that_does_not_take_it_computes_whole_prompts(tmp_path, family):
    model, tensors = adapted(tmp_path, family)
    before = model.config._attn_implementation
    assert not takes_beginning(model)
    assert model.config._attn_implementation == before
    model.eval()  # GPT-2 drops attention weights
    shared, _ = loss_and_gradients(model, tensors, ONE, sharing=True)
    plain, _ = loss_and_gradients(model, tensors, ONE, sharing=False)
    assert shared == plain


def test_checkpointed_layers_give_the_same_gradients(tmp_path):
    model, tensors = adapted(tmp_path, "llama")
    plain, expected = loss_and_gradients(model, tensors, ONE, sharing=True)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    again, gradients = loss_and_gradients(model, tensors, ONE, sharing=True)
    assert again == pytest.approx(plain, rel=1e-6)
    for found, right in zip(gradients, expected, strict=True):
        assert (found - right).abs().max() < 1e-5
    assert all(layer.gradient_checkpointing for layer in model.model.layers)


@pytest.mark.parametrize("targets", [ONE, SEVERAL], ids=["a label", "questions"])
def test_the_beginning_is_read_once_per_batch(tmp_path, targets):
    model, _ = adapted(tmp_path, "llama")
    takes_beginning(model)
    seen = []
    model.model.register_forward_pre_hook(
        lambda module, args, options: seen.append(options["input_ids"].shape), with_kwargs=True
    )
    Scorer(model, 0, True).scores_each(PROMPTS, targets)
    (rows, length), (others, rest) = seen
    assert (rows, length) == (1, len(HEAD))
    assert others == len(PROMPTS)
    assert rest < len(HEAD)


def test_a_model_that_drops_the_option_is_found_out(tmp_path):
    """It would compute the prompts as if nothing stood before them."""
    model, _ = adapted(tmp_path, "llama")

    def drop(module, args, options):
        options.pop("benchbench_beginning", None)
        return args, options

    model.model.register_forward_pre_hook(drop, with_kwargs=True)
    assert not takes_beginning(model)
    assert model.config._attn_implementation == "sdpa"


def test_a_wrong_attention_is_found_out(tmp_path, monkeypatch):
    from benchbench.kit.scoring import shared_attention

    right = shared_attention.attend_behind
    monkeypatch.setattr(shared_attention, "attend_behind", lambda *a: right(*a) * 1.01)
    assert not takes_beginning(adapted(tmp_path, "llama")[0])


def test_errors_of_a_device_are_not_taken_for_the_models_build(tmp_path, monkeypatch):
    def fail(model):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(module, "_agrees", fail)
    with pytest.raises(RuntimeError, match="illegal memory"):
        takes_beginning(adapted(tmp_path, "llama")[0])


def test_without_a_beginning_the_model_computes_what_it_did(tmp_path):
    model = adapted(tmp_path, "mistral")[0].eval()
    ids = torch.arange(2, 40).view(2, 19)
    mask = torch.ones_like(ids)
    mask[0, :5] = 0
    with torch.no_grad():
        before = model(ids, attention_mask=mask).logits
        assert takes_beginning(model)
        assert model.config._attn_implementation == NAME
        assert torch.equal(model(ids, attention_mask=mask).logits, before)


def test_a_beginning_is_as_long_as_what_all_prompts_have_in_common():
    assert shared_beginning(PROMPTS) == len(HEAD)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=99, hidden_size=16, intermediate_size=16, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1,
        )
    )  # fmt: skip
    read = Beginning.read(model, HEAD)
    assert read.length == len(HEAD)
    assert {at: keys.shape for at, (keys, _) in read.layers.items()} == {
        layer: (1, 1, len(HEAD), 8) for layer in (0, 1)
    }
