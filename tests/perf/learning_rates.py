"""Print macro-F1 and loss on validation of both LLM methods at four learning rates.

    BENCHBENCH_MODELS=FOLDER python tests/perf/learning_rates.py [STORE]

The model is SmolLM2-135M-Instruct in NF4, computed in bfloat16. The data are 160 questions of 20
bank intents and 160 titles of patents in 4 sections. Test is never looked at. About 45 minutes on
two cores; a store that is given is gone on with.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from peers.environment import SHARED
from sklearn.metrics import f1_score, log_loss

from benchbench.records import all_records, existing_store, read_predictions

RATES = ("2e-4", "5e-4", "1.4e-3", "3e-3")
SECTIONS = {
    "A": "human necessities",
    "B": "operations and transport",
    "G": "physics",
    "H": "electricity",
}
PARTS = {"train": 160, "validation": 160, "test": 40}


def main() -> None:
    """Write the data and the grid, run it, and print a line per method and rate."""
    model = Path(os.environ["BENCHBENCH_MODELS"]).resolve() / "smollm2-135m-instruct"
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(sys.argv[1] if len(sys.argv) > 1 else f"{scratch}/store").resolve()
        os.chdir(scratch)
        for name, rows, per_label in (("intents", intents(), 8), ("titles", titles(), 40)):
            write(name, rows, per_label)
        Path("rates.toml").write_text(grid(model), encoding="utf-8")
        command = [sys.executable, "-m", "benchbench", "run", "--grid", "rates.toml"]
        subprocess.run([*command, "--store", str(store)], check=True)
        report(store)


def intents() -> Any:
    """Return shuffled questions of 20 of the 77 intents."""
    rows = pd.read_csv(SHARED / "data" / "banking77" / "train.csv")
    names = pd.Series(sorted(rows.category.unique())).sample(20, random_state=0)
    rows = rows[rows.category.isin(names)].groupby("category").sample(35, random_state=0)
    return rows.sample(frac=1, random_state=0).rename(columns={"category": "label"})


def titles() -> Any:
    """Return shuffled titles of patents in one of four sections."""
    path = SHARED / "data" / "patents_cpc_section" / "train.csv"
    rows = pd.read_csv(path, keep_default_na=False)
    rows = rows[rows.label.isin(list(SECTIONS))].drop_duplicates("publication_title_claims")
    rows = pd.DataFrame({"text": rows.publication_title_claims, "label": rows.label.map(SECTIONS)})
    return rows.groupby("label").sample(150, random_state=0).sample(frac=1, random_state=0)


def write(name: str, rows: Any, per_label: int) -> None:
    """Write the parts of a dataset, `per_label` training documents per label."""
    held_out = 360 if name == "intents" else 300
    parts = {
        "train": rows[:held_out].groupby("label").head(per_label),
        "validation": rows[held_out : held_out + 240],
        "test": rows[held_out + 240 :],
    }
    for part, most in PARTS.items():
        parts[part][["text", "label"]].head(most).to_csv(f"{name}-{part}.csv", index=False)


def grid(model: Path) -> str:
    """Return the grid: both methods at every rate on both datasets, with equal budgets."""
    methods = [
        f'{{ use = "{method}", as = "{method} {rate}", learning_rate = {rate}{more} }}'
        for rate in RATES
        for method, more in (("embedding-head", ""), ("instruction", ', label_list = "never"'))
    ]
    blocks = [
        f"""[[block]]
datasets = [{{ {dataset(name)} }}]
backbones = [{{ use = "{model}", as = "smollm2", dtype = "bfloat16" }}]
methods = [{", ".join(methods)}]
params = {{ document_tokens = {tokens}, patience = 0 }}
"""
        for name, tokens in (("intents", 32), ("titles", 24))
    ]
    return "\n".join(['title = "Learning rates"', "seeds = [0]", *blocks])


def dataset(name: str) -> str:
    """Return the entries of a grid's reference to a dataset that `write` wrote."""
    entries = {"use": "csv", "as": name, "path": f"{name}-train.csv", "text": "text"}
    entries |= {part: f"{name}-{part}.csv" for part in ("validation", "test")}
    return ", ".join(f'{key} = "{value}"' for key, value in (entries | {"label": "label"}).items())


def report(store: Path) -> None:
    """Print what the stored predictions of validation say."""
    opened = existing_store(store)
    for record in sorted(all_records(opened), key=lambda record: record.cell.title):
        if record.status == "ok" and record.predictions:
            labels = 20 if record.cell.dataset.name == "intents" else 4
            path = opened.root / "predictions" / f"{record.predictions}.parquet"
            split = read_predictions(path, labels)["validation"]
            gold, logits = split.gold.argmax(1), split.logits.astype(np.float64)
            probabilities = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
            f1 = f1_score(gold, logits.argmax(1), average="macro")
            loss = log_loss(gold, probabilities, labels=range(labels))
            print(f"{record.cell.title}: macro-F1 {f1:.3f}, loss {loss:.3f}")


if __name__ == "__main__":
    main()
