"""Print how fast 77 labels are scored beside lm-evaluation-harness, and how 451 labels cost.

Run it: python tests/perf/scoring_speed.py [--documents 256] [--peer-documents 32]

The model is nano-llama, all of it trained to answer banking77, in float32; the prompts and the
label tokens are the same for all. Every run is a process of its own with two threads; the peer's
best batch size counts. The peer and our ways take turns, so that a busy machine is busy for all,
and rates are medians. It stops where the scores differ by more than 1e-3, or a best label does.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402
import shared_data  # noqa: E402
from labeller import THREADS, asked, trained  # noqa: E402
from peers.environment import python_of, run  # noqa: E402
from peers.ratio import Ratio, table  # noqa: E402

BATCH_SIZES = (8, 32, 64)
DOCUMENTS, EPOCHS = 9500, 6
TARGETS = {"complete": 4.0, "certified": 10.0, "code": 80.0}
TURNS, GROWTH_TURNS = 5, 3
ROUNDS = 3
"""Of a turn of ours, which takes a second or two; the best counts."""

Name = TypeVar("Name", str, int)


def ours(model: Path, question: Any, way: str, folder: Path) -> tuple[float, Any]:
    """Return (documents a second, what the process printed)."""
    settings = {
        "model": str(model), "asked": shared_data.write(question, folder / "asked.json"),
        "way": way, "threads": THREADS, "rounds": ROUNDS,
    }  # fmt: skip
    found = run(sys.executable, HERE / "our_scoring.py", settings, THREADS)
    return len(question["prompts"]) / found["seconds"], found


def theirs(model: Path, question: Any, batch_size: int, folder: Path) -> tuple[float, Any]:
    """Return (documents a second, what the process printed)."""
    settings = {
        "model": str(model), "asked": shared_data.write(question, folder / "peer.json"),
        "batch_size": batch_size, "threads": THREADS,
    }  # fmt: skip
    python = python_of("lm-eval", ["lm-eval"])
    found = run(python, HERE / "peers" / "lm_eval_scores.py", settings, THREADS)
    rate = len(question["prompts"]) / found["seconds"]
    print(f"lm-evaluation-harness, batch {batch_size}: {rate:.1f} docs/s", file=sys.stderr)
    return rate, found


def in_turn(
    runs: Mapping[Name, Callable[[], tuple[float, Any]]], turns: int
) -> tuple[dict[Name, float], Any]:
    """Return (the median rate of each run, what each printed last)."""
    rates: dict[Name, list[float]] = {name: [] for name in runs}
    printed = {}
    for _ in range(turns):
        for name, one in runs.items():
            rate, printed[name] = one()
            rates[name].append(rate)
    return {name: statistics.median(own) for name, own in rates.items()}, printed


def quality(data: Mapping[str, Any], scores: Any) -> tuple[float, float, float]:
    """Return macro-F1, NLL and expected calibration error in 15 bins."""
    from sklearn.metrics import f1_score

    logits = np.asarray(scores, dtype=np.float64)
    gold = np.array([row["labels"][0] for row in data["test"][: len(logits)]])
    logits -= logits.max(1, keepdims=True)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    best, sure = probabilities.argmax(1), probabilities.max(1)
    bins = np.minimum((sure * 15).astype(int), 14)
    error = sum(
        abs((best == gold)[bins == at].mean() - sure[bins == at].mean()) * (bins == at).mean()
        for at in np.unique(bins)
    )
    nll = -np.log(np.maximum(probabilities[np.arange(len(gold)), gold], 1e-300)).mean()
    return float(f1_score(gold, best, average="macro")), float(nll), float(error)


def told(values: tuple[float, float, float]) -> str:
    """Return the three values as text."""
    return "macro-F1 {:.4f}, NLL {:.4f}, ECE {:.4f}".format(*values)


def check_agreement(scores: Any, expected: Any) -> str:
    """Return how far scores differ at most; stop where they or a best label do."""
    expected = np.reshape(expected, (-1, len(scores[0])))
    own = np.asarray(scores)[: len(expected)]
    largest = float(np.abs(own - expected).max())
    if largest > 1e-3 or (own.argmax(1) != expected.argmax(1)).any():
        raise SystemExit(f"the scores differ by up to {largest:g}, or a best label differs")
    return f"scores within {largest:.0e} of theirs, all best labels the same"


def ratios(documents: int, peer_documents: int, folder: Path) -> list[Ratio]:
    """Return complete, certified and code against the peer."""
    data = shared_data.banking77(DOCUMENTS, documents)
    text = trained(data, "text", EPOCHS, folder)
    code = trained(data, "code", EPOCHS, folder)
    question = asked(data["test"], data["labels"], "text")
    coded = asked(data["test"], data["labels"], "code")
    few = {**question, "prompts": question["prompts"][:peer_documents]}
    size = max(BATCH_SIZES, key=lambda size: theirs(text, few, size, folder)[0])
    rates, found = in_turn({
        "peer": lambda: theirs(text, few, size, folder),
        "complete": lambda: ours(text, question, "complete", folder),
        "certified": lambda: ours(text, question, "certified", folder),
        "code": lambda: ours(code, coded, "code", folder),
        "floor": lambda: ours(code, coded, "floor", folder),
    }, TURNS)  # fmt: skip
    scores = {name: found[name]["scores"] for name in rates}
    exact, bounded, codes = (quality(data, scores[name]) for name in TARGETS)
    if (np.argmax(scores["complete"], 1) != np.argmax(scores["certified"], 1)).any():
        raise SystemExit("a best label of the certified way is not that of the complete one")
    beside = {
        "complete": f"{check_agreement(scores['complete'], scores['peer'])}; {told(exact)}",
        "certified": f"{np.mean(found['certified']['found']) / len(question['labels']):.0%} of the "
        f"labels scored, all best labels the same; {told(bounded)}, at most "
        f"{np.abs(np.subtract(exact, bounded)).max():.4f} from complete",
        "code": f"{rates['code'] / rates['floor']:.0%} of the floor; {told(codes)}",
    }
    return [
        Ratio(f"77 labels, {way}", f"lm-evaluation-harness, batch {size}", rates["peer"],
              rates[way], target, "", beside[way])
        for way, target in TARGETS.items()
    ]  # fmt: skip


def names_of(kind: str, count: int) -> list[str]:
    """Return label names: "codes" as IPC subclasses have them, or "words", three each."""
    drawn = random.Random(0)
    if kind == "codes":
        every = [f"{s}{c:02}{x}" for s in "ABCDEFGH" for c in range(1, 9) for x in "BCDFGHKLMN"]
    else:
        words = "water light engine protein signal valve camera gear cell network lens pump"
        pool = words.split()
        every = [f"{a} {b} {c}" for a in pool for b in pool for c in pool]
    return sorted(drawn.sample(every, count))


def growth(folder: Path, documents: int) -> str:
    """Return a table of what 451 labels cost beside 77 of the same kind, as a markdown table."""
    data = shared_data.banking77(DOCUMENTS, documents)
    lines = ["| labels | way | 77, docs/s | 451, docs/s | cost grows | target |",
             "| --- | --- | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for kind in ("codes", "words"):
        for way, target in (("complete", "< 6"), ("certified", "< 3"), ("code", "1")):
            verbalizer = "code" if way == "code" else "text"
            questions = {
                count: asked(data["test"], names_of(kind, count), verbalizer) for count in (77, 451)
            }
            rates, _ = in_turn({
                count: partial(ours, folder / verbalizer, question, way, folder)
                for count, question in questions.items()
            }, GROWTH_TURNS)  # fmt: skip
            lines.append(f"| {kind} | {way} | {rates[77]:,.1f} | {rates[451]:,.1f} "
                         f"| **{rates[77] / rates[451]:.2f}** | {target} |")  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=256)
    parser.add_argument("--peer-documents", type=int, default=32)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(table(ratios(arguments.documents, arguments.peer_documents, folder)))
        print(f"\n{growth(folder, arguments.documents)}")


if __name__ == "__main__":
    main()
