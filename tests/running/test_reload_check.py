"""A saved classifier must predict the same when it is loaded again, within rounding."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from benchbench import BoundBackbone, GuardError
from benchbench.running.reload_check import check_reload, probe

CORPUS = SimpleNamespace(validation={"text": [f"document {i}" for i in range(40)]})


class Rows(dict):
    """Answers a slice as a split does."""

    def __getitem__(self, rows):
        return {"text": super().__getitem__("text")[rows]} if isinstance(rows, slice) else None


def corpus():
    return SimpleNamespace(validation=Rows(CORPUS.validation))


class Rounding:
    """Predicts the number of a document, and rounds by the size of its batch."""

    def __init__(self, rounding: float, off: float = 0.0) -> None:
        self.rounding, self.off = rounding, off

    def predict_logits(self, texts):
        numbers = [float(text.split()[1]) for text in texts]
        return np.array([[n + self.off + self.rounding * len(texts) / 32] for n in numbers], "f4")

    def load(self, folder, backbone):
        return self


def bound(dtype, device="cpu"):
    return BoundBackbone(None, {"dtype": dtype}, device, "float32")


def check(before, after, backbone, tmp_path):
    probes = probe(before, corpus(), backbone)
    check_reload(after, tmp_path, backbone, corpus(), probes)


@pytest.mark.parametrize(("dtype", "allowed"), [("bfloat16", 0.61), ("float16", 0.41)])
def test_the_rounding_of_16_bits_is_allowed_and_a_lost_weight_is_not(dtype, allowed, tmp_path):
    """Twice the measured 0.2, or four roundings of the largest logit, which is 31 to 39.4."""
    close, far = allowed - 0.02, allowed + 0.2
    check(Rounding(0.4), Rounding(0.4, off=close - 0.1), bound(dtype), tmp_path)
    with pytest.raises(GuardError, match=rf"32 probes differ by {far:.1f}.*allowed: 0\.[46]"):
        check(Rounding(0.4), Rounding(0.4, off=far), bound(dtype), tmp_path)


def test_a_head_that_was_lost_is_seen_in_bfloat16(tmp_path):
    class Lost(Rounding):
        def predict_logits(self, texts):
            return np.zeros((len(texts), 1), "f4")

    with pytest.raises(GuardError, match="was not saved"):
        check(Rounding(0.4), Lost(0.4), bound("bfloat16"), tmp_path)


def test_float32_on_a_cpu_allows_no_rounding(tmp_path):
    check(Rounding(0.4), Rounding(0.4), bound("auto"), tmp_path)
    with pytest.raises(GuardError, match=r"allowed: 0\.0001"):
        check(Rounding(0.4), Rounding(0.4, off=0.001), bound("auto"), tmp_path)


def test_a_gpu_is_allowed_at_least_the_noise_of_its_kernels(tmp_path):
    check(Rounding(0.0), Rounding(0.0, off=0.04), bound("auto", "cuda"), tmp_path)
    with pytest.raises(GuardError, match=r"allowed: 0\.05"):
        check(Rounding(0.0), Rounding(0.0, off=0.06), bound("auto", "cuda"), tmp_path)
