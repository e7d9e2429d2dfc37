"""The backbone that a method cannot do without."""

from __future__ import annotations

from benchbench import BenchbenchError, BoundBackbone, LoadedModel


def load_backbone(method: str, backbone: BoundBackbone | None) -> LoadedModel:
    """Bring the model into memory; raise BenchbenchError where none was named."""
    if backbone is None:
        raise BenchbenchError(f"{method} needs a backbone: name one with --backbone")
    return backbone.load()
