"""One way to seed everything, and independent streams of random numbers."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators (all CUDA devices included)."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator(seed: int, *stream: str | int) -> np.random.Generator:
    """Return a generator of its own for `stream`, e.g. `generator(0, "negatives", epoch)`.

    Equal arguments give equal numbers, in every process and on every machine; streams that
    differ in any part are independent of each other and of the global generators.
    """
    import numpy as np

    digest = hashlib.sha256(json.dumps([seed, *stream]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
