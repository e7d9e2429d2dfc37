"""A changed model is compared without dropout and gradients, and one of another build is told."""

from __future__ import annotations

import pytest
import torch

from benchbench.kit.exactness import ANOTHER_BUILD, is_exact
from tests.support.models import load_model, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = write_model(tmp_path_factory.mktemp("models") / "llama")
    return load_model(folder, dtype="bfloat16").model


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_the_comparison_decides_and_the_mode_comes_back(model, said, training):
    def agrees():
        assert not model.training
        assert not torch.is_grad_enabled()
        assert model.model.norm.weight.dtype == torch.float32
        return said

    model.train(training)
    assert is_exact(model, agrees) is said
    assert model.training is training
    assert model.model.norm.weight.dtype == torch.bfloat16


def failing(error):
    def agrees():
        raise error

    return agrees


@pytest.mark.parametrize("kind", ANOTHER_BUILD)
def test_a_model_of_another_build_does_not_agree(model, kind):
    model.train()
    assert not is_exact(model, failing(kind("built in another way")))
    assert model.training


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA error: out of memory"), ZeroDivisionError()]
)
def test_what_says_nothing_about_the_build_is_told(model, error):
    with pytest.raises(type(error)):
        is_exact(model, failing(error))
