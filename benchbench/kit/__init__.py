"""What authors of plugins build from: public, and light to import."""

__all__ = [
    "artifacts",
    "batching",
    "cache",
    "data",
    "guards",
    "pooling",
    "quantized_weights",
    "scoring",
    "seeding",
    "token_cache",
    "training",
    "typed_parameters",
]
