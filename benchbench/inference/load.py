"""A system of a store as a Python object: `benchbench.load`."""

from __future__ import annotations

from pathlib import Path

from benchbench.inference.predictor import Predictor, load_predictor
from benchbench.inference.trained_system import find_system
from benchbench.records import existing_store


def load(
    folder: str | Path = "benchbench-runs",
    system: str | None = None,
    *,
    board: str | None = None,
    dataset: str | None = None,
    seed: int | None = None,
    device: str = "auto",
    weights: str | None = None,
) -> Predictor:
    """Return a predictor of the system that is first on a board, or of another one.

    `folder` is the store of a run. `system` is METHOD, METHOD/BACKBONE or the beginning of a run's
    id; without `seed`, the seed that is best on validation. Raises BenchbenchError.

        import benchbench
        predictor = benchbench.load("benchbench-runs", "embedding-head/llama-3.2-1b")
        for prediction in predictor.predict(["The pump leaks.", "A valve."], top=3):
            print(prediction.labels, prediction.top)
    """
    store = existing_store(Path(folder))
    found = find_system(store, system, board=board, dataset=dataset, seed=seed)
    return load_predictor(store, found, device=device, weights=weights)
