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


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_rounding_of_16_bits_is_allowed_and_a_lost_weight_is_not(dtype, tmp_path):
    check(Rounding(0.4), Rounding(0.4, off=0.3), bound(dtype), tmp_path)
    with pytest.raises(GuardError, match=r"32 probes differ by 0\.6 \(allowed: 0\.4"):
        check(Rounding(0.4), Rounding(0.4, off=0.6), bound(dtype), tmp_path)


def test_float32_on_a_cpu_allows_no_rounding(tmp_path):
    check(Rounding(0.4), Rounding(0.4), bound("auto"), tmp_path)
    with pytest.raises(GuardError, match=r"allowed: 0\.0001"):
        check(Rounding(0.4), Rounding(0.4, off=0.001), bound("auto"), tmp_path)


def test_a_gpu_is_allowed_at_least_the_noise_of_its_kernels(tmp_path):
    check(Rounding(0.0), Rounding(0.0, off=0.04), bound("auto", "cuda"), tmp_path)
    with pytest.raises(GuardError, match=r"allowed: 0\.05"):
        check(Rounding(0.0), Rounding(0.0, off=0.06), bound("auto", "cuda"), tmp_path)
