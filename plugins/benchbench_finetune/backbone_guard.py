"""The backbone that a method cannot do without, and the guard on its quantisation."""

from __future__ import annotations

from benchbench import BenchbenchError, BoundBackbone, LoadedModel
from benchbench.kit.guards import check_float16


def load_backbone(method: str, backbone: BoundBackbone | None) -> LoadedModel:
    """Bring the model into memory.

    Raises BenchbenchError where no backbone was named, and Skip where float16 cannot hold its
    numbers.
    """
    if backbone is None:
        raise BenchbenchError(f"{method} needs a backbone: name one with --backbone")
    loaded = backbone.load()
    check_float16(loaded)
    return loaded


def base_guard(loaded: LoadedModel) -> dict[str, str]:
    """Return the guard that loading has passed: it refuses a base that is not quantised."""
    quantised = loaded.facts["four_bit_modules"] or loaded.facts["int8_modules"]
    return {"the base is really quantised": "passed" if quantised else "not applicable"}
