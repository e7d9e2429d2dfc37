"""The parameters of a backbone, as they are declared and as loading reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchbench import Parameter
from benchbench_backbones.quantization import QUANTIZATIONS


def _parameters(quantization: str) -> tuple[Parameter, ...]:
    return (
        Parameter(
            "quantization",
            str,
            quantization,
            "weights of the frozen base: 4-bit NormalFloat, 8-bit, or whole",
            choices=tuple(QUANTIZATIONS),
        ),
        Parameter(
            "dtype",
            str,
            "auto",
            "dtype that the model computes in; auto: bfloat16 on GPUs that have it, float32 on a "
            "CPU",
            choices=("auto", "float32", "bfloat16", "float16"),
        ),
        Parameter("revision", str, "main", "branch, tag or commit of a hub repository"),
        Parameter(
            "path",
            str,
            "",
            "folder or .gguf file of the same model, read in the place of the hub repository",
        ),
    )


PARAMETERS: Mapping[str, tuple[Parameter, ...]] = {
    "causal-lm": _parameters("nf4"),
    "encoder": _parameters("none"),
}
"""Kind of backbone -> its parameters. Encoders are small and are fine-tuned as a whole, which
quantised weights do not allow."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """The parameters of one backbone, with a value for each."""

    quantization: str
    dtype: str
    revision: str
    path: str
