"""Print how long twelve equal cells take on two Ray nodes of one CPU each, and on one.

The aim is at most 0.6 of the time. Starting the nodes is not counted; starting benchbench, and
the processes of the cells on every node, is. Run it: python tests/perf/ray_two_nodes.py
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SEEDS = ",".join(map(str, range(12)))
GRID = """
[[block]]
datasets = [{ use = "demo-claims", documents = 600 }]
methods = ["embedding-head"]
backbones = ["nano-llama"]
params = { epochs = 6, document_tokens = 64 }
"""


def main() -> None:
    """Run the grid on one node, then on two: each time on a fresh cluster and store."""
    from benchbench_ray.cluster import QUIET

    os.environ.update(QUIET)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "g.toml").write_text(GRID)
        os.environ["BENCHBENCH_CACHE"] = str(folder / "cache")
        one, two = (seconds(folder, nodes) for nodes in (1, 2))
    print(f"12 cells on one node: {one:.1f} s; on two: {two:.1f} s; ratio {two / one:.2f}")


def seconds(folder: Path, nodes: int) -> float:
    """Return the seconds of a run on so many nodes; say what a cell took."""
    from ray.cluster_utils import Cluster

    from benchbench.records.store import Store, all_records
    from tests.support.commands import benchbench

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1)
        words = ("run", "--grid", "g.toml", "--seeds", SEEDS, "--store", f"on-{nodes}",
                 "--executor", "ray", "--ray-address", cluster.address)  # fmt: skip
        benchbench(folder, "plan", *words[1:7])  # the corpus is prepared, once for both
        start = time.perf_counter()
        benchbench(folder, *words)
        spent = time.perf_counter() - start
    finally:
        cluster.shutdown()
    records = all_records(Store(folder / f"on-{nodes}"))
    assert [record.status for record in records] == ["ok"] * 12
    cells = sum(float(record.cost["wall_seconds"] or 0) for record in records) / 12
    print(f"nodes: {nodes}; a cell {cells:.1f} s; the run {spent:.1f} s", flush=True)
    return spent


if __name__ == "__main__":
    main()
