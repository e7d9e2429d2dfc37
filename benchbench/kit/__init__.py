"""What authors of plugins build from: public, and light to import."""

__all__ = [
    "artifacts",
    "batching",
    "cache",
    "data",
    "dense_weights",
    "guards",
    "model_shape",
    "pooling",
    "quantized_weights",
    "scoring",
    "seeding",
    "token_cache",
    "training",
    "typed_parameters",
]
