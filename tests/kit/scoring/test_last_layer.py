"""States at a few positions are those of the whole model."""

from __future__ import annotations

from types import MethodType

import pytest
import torch
import transformers

from benchbench.kit.scoring import last_layer

SHAPE = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
    "max_position_embeddings": 64, "pad_token_id": 0,
}  # fmt: skip
NARROWED = {
    "llama": ("Llama", {}),
    "mistral, a window shorter than the text": ("Mistral", {"sliding_window": 4}),
    "qwen2": ("Qwen2", {}),
    "qwen3": ("Qwen3", {}),
}
WHOLE = {
    "four norms a layer": ("Gemma2", {}),
    "eager attention": ("Llama", {"attn_implementation": "eager"}),
}
LEFT = [[0, 0, 0, 1, 1, 1, 1, 1, 1], [1] * 9]
RIGHT = [[1] * 9, [1, 1, 1, 1, 1, 0, 0, 0, 0]]
CASES = {
    "no padding, the ends": ([[1] * 9] * 2, [[8], [8]]),
    "no padding, several": ([[1] * 9] * 2, [[8, 3], [0, 8]]),
    "padded on the left, several": (LEFT, [[6, 7, 8], [6, 7, 8]]),
    "padded on the right, the ends": (RIGHT, [[8], [4]]),
}


def model_of(family, **more):
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**SHAPE, **more)
    return getattr(transformers, f"{family}ForCausalLM")(config).eval()


def inputs_of(mask):
    mask = torch.tensor(mask)
    ids = torch.arange(1, 1 + mask.numel()).view(mask.shape)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions, "use_cache": False}


def whole(model, columns, inputs):
    states = model.base_model(**inputs).last_hidden_state
    return states[torch.arange(len(columns))[:, None], columns]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", NARROWED)
def test_states_and_gradients_are_those_of_the_whole_model(family, case):
    name, more = NARROWED[family]
    model = model_of(name, **more)
    mask, columns = CASES[case]
    columns, inputs = torch.tensor(columns), inputs_of(mask)
    outcomes = []
    for compute in (whole, lambda m, c, i: last_layer.hidden_states_at(m, c, **i)):
        model.zero_grad()
        states = compute(model, columns, inputs)
        (states**3).sum().backward()
        outcomes.append((states.detach(), [p.grad for p in model.base_model.parameters()]))
    (expected, gradients), (trimmed, narrow_gradients) = outcomes
    assert model.benchbench_narrowed
    assert torch.allclose(trimmed, expected, atol=1e-5)
    for narrow, gradient in zip(narrow_gradients, gradients, strict=True):
        near = 1e-5 * float(gradient.abs().max())
        assert torch.allclose(narrow, gradient, rtol=1e-4, atol=near)


def test_a_mask_of_four_dimensions_is_followed():
    model = model_of("Llama")
    mask, columns = torch.ones(2, 1, 9, 9, dtype=torch.bool).tril(), torch.tensor([[3], [8]])
    mask[:, :, :, 2] = False
    mask[:, :, 2, 2] = True
    inputs = inputs_of([[1] * 9] * 2) | {"attention_mask": mask}
    trimmed = last_layer.hidden_states_at(model, columns, **inputs)
    assert torch.allclose(trimmed, whole(model, columns, inputs), atol=1e-5)


@pytest.mark.parametrize("build", WHOLE)
def test_a_model_of_another_build_is_computed_whole(build):
    name, more = WHOLE[build]
    model = model_of(name, **more)
    inputs, columns = inputs_of(LEFT), torch.tensor([[7], [8]])
    trimmed = last_layer.hidden_states_at(model, columns, **inputs)
    assert not model.benchbench_narrowed
    assert torch.allclose(trimmed, whole(model, columns, inputs), atol=1e-6)


def test_a_layer_that_only_looks_alike_is_found_out():
    model = model_of("Llama")
    layer = model.base_model.layers[-1]

    class Louder(type(layer)):
        def forward(self, *arguments, **options):
            return 2 * super().forward(*arguments, **options)

    layer.__class__ = Louder
    last_layer.hidden_states_at(model, torch.tensor([[8], [8]]), **inputs_of([[1] * 9] * 2))
    assert not model.benchbench_narrowed
    assert not isinstance(layer.__dict__.get("forward"), MethodType)
