"""What authors of plugins build from: public, and light to import."""

__all__ = [
    "artifacts",
    "batching",
    "cache",
    "data",
    "dense_weights",
    "exactness",
    "file_cache",
    "float32_model",
    "frozen_layers",
    "guards",
    "known_states",
    "model_shape",
    "pooling",
    "quantized_weights",
    "scoring",
    "seeding",
    "standalone",
    "token_cache",
    "training",
    "typed_parameters",
]
