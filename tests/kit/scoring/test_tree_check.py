"""The tree is used only where it gives the plain scores, whatever a dtype rounds away."""

from __future__ import annotations

import pytest

from benchbench.kit.scoring import tree_check
from benchbench.kit.scoring.scorer import Scorer, plain_price
from benchbench.kit.scoring.tree_check import check_tree
from benchbench.kit.scoring.trie import Continuation, TokenTrie
from tests.support.models import ARCHITECTURES, load_model, write_model

PROMPT = [0, 40, 41, 42, 43, 44, 45]
TRIE = TokenTrie.build(
    [Continuation((), label) for label in [(70, 1), (70, 71, 1), (72, 73, 1), (74, 1)]]
)
WITHOUT_TREE = {"bloom", "mpt"}
"""ALiBi adds a bias by column, so a token tree would stand in the wrong place."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {name: write_model(root / name, ["text"], family=name) for name in ARCHITECTURES}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", ARCHITECTURES)
def test_every_architecture_is_scored_as_it_is_plainly(folders, family, dtype):
    """In float32 exactly; in 16 bits within rounding. Where the tree is refused, with a reason."""
    import torch

    model = load_model(folders[family], quantization="none", dtype=dtype).model
    scorer = Scorer.choose(model, 0, PROMPT, TRIE, longest_row=len(PROMPT) + TRIE.depth)
    assert scorer.tree == (family not in WITHOUT_TREE), scorer.check
    assert bool(scorer.warning) != scorer.tree
    with torch.no_grad():
        plain = Scorer(model, 0, False).scores([PROMPT, PROMPT[:3]], TRIE)
        scores = scorer.scores([PROMPT, PROMPT[:3]], TRIE)
    assert scores.dtype == torch.float32
    allowed = 1e-3 if dtype == "float32" else 6 * max(scorer.check.noise or 0, 0.01)
    assert (scores - plain).abs().max() <= allowed
    if dtype == "bfloat16" and scorer.tree:
        assert scorer.check.float32_difference <= 1e-3


def see_everything(model):
    """Plant a fault that bfloat16 hides: the mask of the last layer lets some of the tree leak."""

    def leak(module, args, kwargs):
        mask = kwargs["attention_mask"]
        if mask is not None and mask.ndim == 4 and mask.is_floating_point():
            kwargs = kwargs | {"attention_mask": mask.clamp(min=-LEAK)}
        return args, kwargs

    model.model.layers[-1].register_forward_pre_hook(leak, with_kwargs=True)


LEAK = 4.0


def test_a_fault_that_rounding_hides_is_found_in_float32(folders, monkeypatch):
    model = load_model(folders["llama"], quantization="nf4", dtype="bfloat16").model
    assert not check_tree(model, PROMPT, TRIE, 0).reason
    see_everything(model)
    monkeypatch.setattr(tree_check, "NOISES", 1e9)  # as if rounding were that coarse
    found = check_tree(model, PROMPT, TRIE, 0)
    assert found.float32_difference > 1e-3
    assert "in float32" in found.reason


def test_a_fault_in_16_bits_alone_is_held_to_the_noise_of_plain_scores(folders, monkeypatch):
    from contextlib import contextmanager

    model = load_model(folders["llama"], quantization="nf4", dtype="bfloat16").model
    see_everything(model)

    @contextmanager
    def too_large(_):
        yield False

    monkeypatch.setattr(tree_check, "in_float32", too_large)
    monkeypatch.setattr(tree_check, "LEAST_NOISE", 1e-6)
    found = check_tree(model, PROMPT, TRIE, 0)
    assert found.float32_difference is None
    assert "among themselves" in found.reason


@pytest.mark.parametrize(
    "message",
    [
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR",
        "[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_an_error_of_the_device_is_never_taken_for_a_model_without_trees(folders, message):
    model = load_model(folders["llama"]).model

    def fail(module, args, kwargs):
        mask = kwargs["attention_mask"]
        if mask is not None and mask.ndim == 4:
            raise RuntimeError(message)

    model.model.register_forward_pre_hook(fail, with_kwargs=True)
    with pytest.raises(RuntimeError) as raised:
        check_tree(model, PROMPT, TRIE, 0)
    assert str(raised.value) == message


def test_plain_scoring_is_said_with_its_reason_and_its_price(folders):
    model = load_model(folders["llama"]).model

    def refuse(module, args, kwargs):
        mask = kwargs["attention_mask"]
        if mask is not None and mask.ndim == 4:
            raise ValueError("two dimensions expected")

    model.model.register_forward_pre_hook(refuse, with_kwargs=True)
    scorer = Scorer.choose(model, 0, PROMPT, TRIE, longest_row=20)
    assert scorer.price == plain_price(len(PROMPT), TRIE)
    assert scorer.warning == (
        "labels are scored plainly, which reads about 3 times as many tokens: the model does not "
        "take a token tree (ValueError: two dimensions expected)"
    )
