"""The backbone that a method cannot do without, and the guard on its quantisation."""

from __future__ import annotations

from benchbench import BenchbenchError, BoundBackbone, LoadedModel


def load_backbone(method: str, backbone: BoundBackbone | None) -> LoadedModel:
    """Bring the model into memory; raise BenchbenchError where no backbone was named."""
    if backbone is None:
        raise BenchbenchError(f"{method} needs a backbone: name one with --backbone")
    return backbone.load()


def base_guard(loaded: LoadedModel) -> dict[str, str]:
    """Return the guard that loading has passed: it refuses a base that is not quantised."""
    quantised = loaded.facts["four_bit_modules"] or loaded.facts["int8_modules"]
    return {"the base is really quantised": "passed" if quantised else "not applicable"}
