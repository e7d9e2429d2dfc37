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
    if backbone is None or (backbone.device == "cpu" and _is_float32(backbone)):
        return Probes(logits, 0.0)
    halves = (texts[: len(texts) // 2], texts[len(texts) // 2 :])
    again = np.concatenate([classifier.predict_logits(half) for half in halves if half])
    return Probes(logits, float(np.abs(again - logits).max()))


def _is_float32(backbone: BoundBackbone) -> bool:
    asked = str(backbone.params.get("dtype", "auto"))
    return (backbone.dtype if asked == "auto" else asked) == "float32"


def check_reload(
    method: Method,
    folder: Path,
    backbone: BoundBackbone | None,
    corpus: Corpus,
    before: Probes,
) -> None:
    """Load the saved classifier into a new object and predict the probes again.

    Their logits may differ by 1e-4 (0.05 on a GPU), or by twice their rounding if that is more.
    """
    import numpy as np

    _free()
    after = method.load(folder, backbone).predict_logits(_probed(corpus))
    same = after.shape == before.logits.shape
    largest = float(np.abs(after - before.logits).max()) if same else np.inf
    least = 1e-4 if backbone is None or backbone.device == "cpu" else 5e-2
    tolerance = max(least, 2 * before.noise)
    if not largest <= tolerance:
        raise GuardError(
            f"After save and load the logits of {len(before.logits)} probes differ by "
            f"{largest:.3g} (allowed: {tolerance:g}): something that was trained was not saved."
        )


def _free() -> None:
    """Free memory before the model is loaded a second time."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
