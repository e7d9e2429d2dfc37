"""One line of the table: what we do, what the peer does, and how good both results are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """Rates in documents a second, and what stands beside them."""

    task: str
    peer: str
    theirs: float
    ours: float
    target: float | None
    their_quality: str = ""
    our_quality: str = ""
    their_peak_mb: float | None = None
    our_peak_mb: float | None = None

    @property
    def ratio(self) -> float:
        """How many times as fast we are."""
        return self.ours / self.theirs


def table(ratios: Iterable[Ratio]) -> str:
    """Return the ratios as a markdown table."""
    lines = [
        "| what | against | theirs, docs/s | ours, docs/s | ratio | target "
        "| their quality | our quality | peak RSS, MB |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | --- | ---: |",
    ]
    for ratio in ratios:
        target = "–" if ratio.target is None else f"{ratio.target:g}"
        peaks = [ratio.their_peak_mb, ratio.our_peak_mb]
        memory = " / ".join("–" if peak is None else f"{peak:,.0f}" for peak in peaks)
        lines.append(
            f"| {ratio.task} | {ratio.peer} | {ratio.theirs:,.1f} | {ratio.ours:,.1f} "
            f"| **{ratio.ratio:.2f}** | {target} | {ratio.their_quality} | {ratio.our_quality} "
            f"| {memory} |"
        )
    return "\n".join(lines)
