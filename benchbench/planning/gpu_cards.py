"""GPUs that a plan can be made for without having one: `benchbench plan --as "H100 80GB"`.

The figures are those of NVIDIA's public data sheets: memory, memory bandwidth, and the rate of
dense matrix products in bfloat16 with sums in float32, or in float16 where a GPU has no bfloat16.
Rates with sparsity, which data sheets print first, are twice as high and of no use here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from benchbench.contract import BenchbenchError, UnknownName, did_you_mean
from benchbench.machine import Device, dtype_for

ASSUMED_SHARE = 0.4
"""An assumption and not a measurement: the most that a whole model reaches of a GPU's matrix rate.

On an H100, trainings reached 5 to 11 %, because they were bound by the start of operations, which
`estimate` counts apart."""
ECC_LEFT = 15 / 16
"""What error correction leaves of memory that stores its check bits itself (GDDR6)."""
OWN = "gpu:"
OWN_FORM = "gpu:memory=GIB,tflops=N[,bandwidth=GB_PER_SECOND]"
NO_PART = re.compile(r"\b(nvidia|geforce|tesla|sxm\d?|rtx)\b")
"""Words of a name that tell no two cards of the table apart."""


@dataclass(frozen=True, slots=True)
class GpuCard:
    """A GPU: memory in GiB, bandwidth in GB per second, rate in TFLOP per second, capability.

    `corrected` says whether error correction is on by default and takes a part of the memory.
    `bandwidth` is None where it is not known.
    """

    name: str
    memory: float
    bandwidth: float | None
    tflops: float
    capability: tuple[int, int] = field(default=(8, 0))
    corrected: bool = False

    @property
    def device(self) -> Device:
        """The device that a plan is made for."""
        memory = self.memory * (ECC_LEFT if self.corrected else 1)
        return Device("cuda", self.name, dtype_for(self.capability), int(memory * 1024))


# fmt: off
CARDS = (   # GiB, GB per second, TFLOP per second; of one name, the smallest comes first
    GpuCard("T4", 16, 300, 65, (7, 5), corrected=True),
    GpuCard("V100 16GB", 16, 900, 125, (7, 0)),
    GpuCard("V100 32GB", 32, 900, 125, (7, 0)),
    GpuCard("A10", 24, 600, 125, (8, 6), corrected=True),
    GpuCard("A10G", 24, 600, 70, (8, 6), corrected=True),
    GpuCard("A30", 24, 933, 165, (8, 0)),
    GpuCard("A40", 48, 696, 149.7, (8, 6), corrected=True),
    GpuCard("A100 40GB", 40, 1555, 312, (8, 0)),
    GpuCard("A100 80GB", 80, 2039, 312, (8, 0)),
    GpuCard("RTX A6000", 48, 768, 154.8, (8, 6)),
    GpuCard("L4", 24, 300, 121, (8, 9), corrected=True),
    GpuCard("L40S", 48, 864, 362, (8, 9), corrected=True),
    GpuCard("RTX 6000 Ada", 48, 960, 364, (8, 9)),
    GpuCard("H100 80GB", 80, 3350, 989, (9, 0)),
    GpuCard("H100 PCIe", 80, 2000, 756, (9, 0)),
    GpuCard("H200", 141, 4800, 989, (9, 0)),
    GpuCard("B200", 180, 8000, 2250, (10, 0)),
    GpuCard("RTX 3060 12GB", 12, 360, 25.5, (8, 6)),
    GpuCard("RTX 3090", 24, 936, 71, (8, 6)),
    GpuCard("RTX 4070", 12, 504, 58.3, (8, 9)),
    GpuCard("RTX 4080", 16, 717, 97.5, (8, 9)),
    GpuCard("RTX 4090", 24, 1008, 165.2, (8, 9)),
    GpuCard("RTX 5090", 32, 1792, 209.5, (12, 0)),
)
# fmt: on


def card_of(text: str) -> GpuCard:
    """Return the card that `--as` names or describes.

    Case, spaces, "RTX" and "GB" do not matter, and neither does the memory where a name has one
    size: of several, the smallest is taken. Raises UnknownName, and BenchbenchError where a
    description is wrong.

    >>> card_of("nvidia h100").name, card_of("rtx4090").name, card_of("A100-80").name
    ('H100 80GB', 'RTX 4090', 'A100 80GB')
    >>> card_of("gpu:memory=24,tflops=120").memory
    24.0
    """
    if text.strip().lower().startswith(OWN):
        return _described(text.strip().lower())
    wanted = _key(text)
    for card in CARDS:
        if wanted in (_key(card.name), _key(re.sub(r"\d+GB", "", card.name))):
            return card
    hint = did_you_mean(text, [card.name for card in CARDS])
    raise UnknownName(f"--as: unknown card '{text}'{hint} Or describe one: {OWN_FORM}.")


def _key(name: str) -> str:
    """Return what is left of a name for comparison."""
    words = re.sub(r"(rtx)(?=\w)", r"\1 ", name.lower().replace("-", " "))
    key = re.sub(r"[^a-z0-9]", "", NO_PART.sub("", words))
    return re.sub(r"(?<=\d)gb$", "", key)


def _described(text: str) -> GpuCard:
    """Return the card of `OWN_FORM`; raise BenchbenchError naming what is wrong."""
    numbers: dict[str, float] = {}
    for part in text.removeprefix(OWN).split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name in numbers or name not in ("memory", "tflops", "bandwidth"):
            raise BenchbenchError(f"--as takes {OWN_FORM}, each once; found '{part.strip()}'.")
        numbers[name] = _positive(name, value)
    if missing := [name for name in ("memory", "tflops") if name not in numbers]:
        raise BenchbenchError(f"--as {text}: {' and '.join(missing)} missing; it takes {OWN_FORM}.")
    said = f"a GPU of {numbers['memory']:g} GiB and {numbers['tflops']:g} TFLOP/s"
    return GpuCard(said, numbers["memory"], numbers.get("bandwidth"), numbers["tflops"])


def _positive(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < 1e9:
        raise BenchbenchError(f"--as: {name} takes a number above 0; found '{value}'.")
    return number
