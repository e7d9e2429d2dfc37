"""Print quality and cost of adapters on fewer layers, on two real datasets.

    BENCHBENCH_MODELS=FOLDER python tests/perf/adapter_layers.py [STORE]

The model is SmolLM2-135M-Instruct in NF4, which has 30 layers. The data and the budget are those
of the grid "laptop": 770 bank questions and 400 patents, 48 document tokens, three epochs. The
layers below the adapters are computed once, and their states are kept; what that takes is part of
the training time. About an hour on two cores; a store that is given is gone on with.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from peers.environment import SHARED

LAYERS = ('"all"', "15", "8", "4")
METHODS = ("embedding-head", "instruction")
DATASETS = {
    "banking77": ("banking77", 770, ""),
    "patents-cpc": ("patents_cpc_section", 400, ', multi_label = "list"'),
}


def main() -> None:
    """Run the grid and print a line per dataset, method and number of layers."""
    model = Path(os.environ["BENCHBENCH_MODELS"]).resolve() / "smollm2-135m-instruct"
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(sys.argv[1] if len(sys.argv) > 1 else f"{scratch}/store").resolve()
        path = Path(scratch) / "layers.toml"
        path.write_text(grid(model), encoding="utf-8")
        command = [sys.executable, "-m", "benchbench", "run", "--grid", str(path), "--offline"]
        subprocess.run([*command, "--store", str(store)], check=True)
        report(store)


def grid(model: Path) -> str:
    """Return the grid: both methods with adapters on fewer and fewer layers."""
    methods = [
        f'{{ use = "{method}", as = "{name(method, layers)}", adapter_layers = {layers}{own} }}'
        for method in METHODS
        for layers in LAYERS
        for own in ["" if method == "embedding-head" else ', label_list = "never"MORE']
    ]
    blocks = [
        f"""[[block]]
datasets = [{{ use = "{dataset}", path = "{SHARED / "data" / folder}", limit = {limit} }}]
backbones = [{{ use = "smollm2-135m-instruct", path = "{model}" }}]
methods = [{", ".join(methods).replace("MORE", more)}]
params = {{ document_tokens = 48 }}
"""
        for dataset, (folder, limit, more) in DATASETS.items()
    ]
    return "\n".join(['title = "Adapters on fewer layers"', "seeds = [0]", *blocks])


def name(method: str, layers: str) -> str:
    """Return the name of a row."""
    return f"{method} {layers.strip(chr(34))}"


def report(store: Path) -> None:
    """Print what the board says of every row: the scores on test, and what they cost."""
    command = [sys.executable, "-m", "benchbench", "leaderboard", "--store", str(store)]
    printed = subprocess.run([*command, "--format", "csv"], check=True, stdout=subprocess.PIPE)
    for row in csv.DictReader(io.StringIO(printed.stdout.decode())):
        print(
            f"{row['dataset']} {row['method']}: macro-F1 {float(row['macro_f1']):.3f}, "
            f"micro-F1 {float(row['micro_f1']):.3f}, training {float(row['fit_seconds']):.0f} s, "
            f"peak {float(row['peak_mib']):,.0f} MiB, {int(row['trainable_parameters']):,} trained"
        )


if __name__ == "__main__":
    main()
