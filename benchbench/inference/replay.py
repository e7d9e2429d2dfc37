"""An exported classifier is run in a process of its own and compared with the board."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.contract import BenchbenchError, Predictions, ScoredSplit, decide
from benchbench.evaluation import METRICS, evaluate, probabilities_of, title_of
from benchbench.evidence import stored_predictions
from benchbench.inference.texts_at_hand import texts_at_hand
from benchbench.inference.trained_system import TrainedSystem
from benchbench.records import Store

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Replay:
    """Validation documents that an exported classifier has predicted, beside the board's own.

    `changed` counts documents whose labels differ. `largest` is the largest difference of a
    probability, or of a score where there are no probabilities. `metric` names what `before` (the
    board) and `after` (the export) are, on these documents.
    """

    documents: int
    changed: int
    largest: float
    metric: str
    before: float
    after: float

    def words(self) -> str:
        """Return what was found, in sentences."""
        moved = self.after - self.before
        labels = f"the labels of {self.changed:,} differ" if self.changed else "no label differs"
        scores = f"differ by at most {self.largest:.1g}" if self.largest else "are equal"
        shift = "does not move" if abs(moved) < 5e-5 else f"moves by {moved:+.4f}"
        return (
            f"On {self.documents:,} validation documents, {labels}, probabilities {scores}, and "
            f"{self.metric} {shift} ({self.before:.4f} on the board)."
        )


def replay(
    store: Store, system: TrainedSystem, folder: Path, base: str | None, most: int
) -> Replay | None:
    """Run the classifier in `folder` on validation documents, the first `most` of them.

    None where the texts are not at hand. Raises BenchbenchError where the process fails.
    """
    stored = _validation(store, system)
    rows = slice(0, most)
    ids = tuple(stored.ids[rows])
    texts = texts_at_hand(str(system.record.identity.get("dataset")), "validation", ids)
    if not ids or set(texts) != set(ids):
        return None
    logits = _logits_of(folder, base, [texts[name] for name in ids])
    board = Predictions(
        ids, stored.gold[rows], stored.main[rows], stored.groups[rows], stored.logits[rows]
    )
    return _compared(system, board, logits)


def _validation(store: Store, system: TrainedSystem) -> Predictions:
    path = store.folder("predictions") / f"{system.record.predictions}.parquet"
    corpus = system.corpus
    return stored_predictions(path, corpus.label_facts, corpus.documents)["validation"]


def _logits_of(folder: Path, base: str | None, texts: Sequence[str]) -> np.ndarray:
    """Return float32 [texts, labels] as a fresh Python process computes them."""
    import numpy as np

    command = [sys.executable, str(folder / "classifier.py"), "-", "--json", "--logits"]
    command += [] if base is None else ["--base", base]
    lines = "".join(f"{json.dumps(text)}\n" for text in texts)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, input=lines, capture_output=True, text=True, env=environment)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise BenchbenchError(f"The exported classifier does not run: {reason}")
    return np.array([json.loads(line) for line in done.stdout.splitlines()], dtype=np.float32)


def _compared(system: TrainedSystem, board: Predictions, logits: np.ndarray) -> Replay:
    kind, tuning, metric = system.corpus.kind, system.tuning, system.corpus.main_metric
    theirs = replace(board, logits=logits)
    labels = [decide(kind, one.logits, tuning.threshold) for one in (board, theirs)]
    numbers = [board.logits, theirs.logits]
    if tuning.temperature is not None:
        numbers = [probabilities_of(kind, one, tuning.temperature) for one in numbers]
    before, after = (_score(system, one) for one in (board, theirs))
    return Replay(
        documents=len(board.ids),
        changed=int((labels[0] != labels[1]).any(axis=1).sum()),
        largest=float(abs(numbers[0] - numbers[1]).max()),
        metric=title_of(metric),
        before=before,
        after=after,
    )


def _score(system: TrainedSystem, predictions: Predictions) -> float:
    """Return the main metric of a few documents, by the board's rule."""
    corpus = system.corpus
    facts = (corpus.label_facts, system.tuning, system.hard, system.record.exact_best)
    main = [metric for metric in METRICS if metric.name == corpus.main_metric]
    values, _ = evaluate(ScoredSplit(corpus.kind, predictions, *facts), main)
    return values.get(corpus.main_metric, 0.0)
