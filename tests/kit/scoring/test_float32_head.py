"""Log-probabilities come out of the output head in float32, whatever the model computes in."""

from __future__ import annotations

import pytest

from benchbench.kit.scoring import float32_head as module
from benchbench.kit.scoring.float32_head import float32_head, head_in_float32
from tests.support.models import load_model, write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "llama", ["some text"])


def head_and_states(seed=0):
    import torch

    torch.manual_seed(seed)
    head = torch.nn.Linear(32, 300, bias=False).to(torch.bfloat16).requires_grad_(False)
    return head, (40 * torch.randn(6, 32)).to(torch.bfloat16)


def test_logits_are_those_of_the_16_bit_weights_in_float32():
    import torch

    head, states = head_and_states()
    logits = head_in_float32(head, states)
    assert logits.dtype == torch.float32
    assert torch.allclose(logits, states.float() @ head.weight.float().T, atol=1e-4)
    assert (head(states).float() - logits).abs().max() > 0.01  # what 16 bits lose


def test_autocast_does_not_round_the_logits():
    import torch

    head, states = head_and_states()
    expected = head_in_float32(head, states)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head_in_float32(head, states), expected)


def test_a_head_in_chunks_has_the_same_logits_and_gradients(monkeypatch):
    import torch

    head, states = head_and_states()
    found = []
    for at_once in (2**25, 7 * 32):
        monkeypatch.setattr(module, "WEIGHTS_AT_ONCE", at_once)
        leaf = states.float().requires_grad_()
        logits = head_in_float32(head, leaf)
        logits.logsumexp(-1).sum().backward()
        found.append((logits.detach(), leaf.grad))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-5)
    leaf = states.float().requires_grad_()
    (leaf @ head.weight.float().T).logsumexp(-1).sum().backward()
    assert torch.allclose(found[1][1], leaf.grad, atol=1e-5)


def test_the_models_own_forward_gives_float32_logits_and_is_put_back(folder):
    import torch

    model = load_model(folder, quantization="none", dtype="bfloat16").model
    ids = torch.tensor([[0, 40, 41]])
    with torch.no_grad():
        before = model(ids).logits
        with float32_head(model):
            assert model(ids).logits.dtype == torch.float32
        assert torch.equal(model(ids).logits, before)
    assert before.dtype == torch.bfloat16
