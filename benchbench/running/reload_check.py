"""Whether a saved classifier, loaded again, predicts what it predicted before."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.contract import BoundBackbone, Classifier, Corpus, GuardError, Method

if TYPE_CHECKING:
    import numpy as np

PROBES = 32
"""The most validation documents that are predicted again."""
LEAST, LEAST_ON_A_GPU = 1e-4, 0.05
"""How far logits may differ where they are rounded little; a GPU's kernels sum in any order."""
ROUNDING = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
"""How far rounding to a narrow dtype changes a number at most, as a share of it."""
ROUNDINGS = 4
"""Narrow numbers may differ by so many roundings of the largest: several layers round."""


@dataclass(frozen=True, slots=True)
class Probes:
    """Logits of a few validation documents, to compare with those of the saved classifier.

    `noise` is the largest difference to the logits of the same documents in other batches. It is
    rounding, and 0 where a CPU computes in float32.
    """

    logits: np.ndarray
    noise: float


def _probed(corpus: Corpus) -> list[str]:
    return list(corpus.validation[:PROBES]["text"])


def probe(classifier: Classifier, corpus: Corpus, backbone: BoundBackbone | None) -> Probes:
    """Predict the probes, and measure their rounding where the backbone rounds coarsely."""
    import numpy as np

    texts = _probed(corpus)
    logits = np.asarray(classifier.predict_logits(texts))
    if backbone is None or (backbone.device == "cpu" and _dtype(backbone) == "float32"):
        return Probes(logits, 0.0)
    halves = (texts[: len(texts) // 2], texts[len(texts) // 2 :])
    again = np.concatenate([classifier.predict_logits(half) for half in halves if half])
    return Probes(logits, float(np.abs(again - logits).max()))


def _dtype(backbone: BoundBackbone) -> str:
    asked = str(backbone.params.get("dtype", "auto"))
    return backbone.dtype if asked == "auto" else asked


def check_reload(
    method: Method,
    folder: Path,
    backbone: BoundBackbone | None,
    corpus: Corpus,
    before: Probes,
    shared: Path | None = None,
) -> None:
    """Load the saved classifier into a new object and predict the probes again.

    Their logits may differ by `_tolerance`. What is loaded may come from the cache `shared`; what
    is predicted may not.
    """
    import numpy as np

    from benchbench.kit import cache

    _free()
    with cache.enabled(shared):
        classifier = method.load(folder, backbone)
    after = classifier.predict_logits(_probed(corpus))
    same = after.shape == before.logits.shape
    largest = float(np.abs(after - before.logits).max()) if same else np.inf
    tolerance = _tolerance(before, backbone)
    if not largest <= tolerance:
        raise GuardError(
            f"After save and load the logits of {len(before.logits)} probes differ by "
            f"{largest:.3g} (allowed: {tolerance:g}): something that was trained was not saved."
        )


def _tolerance(probes: Probes, backbone: BoundBackbone | None) -> float:
    """Return how far logits may differ.

    It is the largest of what is always allowed, twice the measured rounding, and, in a narrow
    dtype, a few roundings of the largest logit.
    """
    import numpy as np

    if backbone is None:
        return LEAST
    least = LEAST if backbone.device == "cpu" else LEAST_ON_A_GPU
    largest = float(np.abs(probes.logits).max(initial=0.0))
    rounding = ROUNDINGS * ROUNDING.get(_dtype(backbone), 0.0) * largest
    return max(least, 2 * probes.noise, rounding)


def _free() -> None:
    """Free memory before the model is loaded a second time."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
