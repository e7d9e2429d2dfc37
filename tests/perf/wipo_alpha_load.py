"""Print how fast a WIPO-Alpha tree loads, beside a bare loop that reads files and runs expat.

Run it: python tests/perf/wipo_alpha_load.py [--documents 75250] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from xml.parsers import expat

CHARACTERS = 3000
WAYS = ("bare", "1 process", "2 processes")
PARTS = "title,abstract,claims"


def main() -> None:
    """Write the tree, load it in turns, print the table."""
    options = argparse.ArgumentParser()
    options.add_argument("--documents", type=int, default=75_250)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        print(json.dumps(measure(*given.measure)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tree(folder / "tree", given.documents)
        for way in WAYS:
            print(f"{way:12}", end="  " if way != WAYS[-1] else "\n")
        runs = [[_apart(way, folder) for way in WAYS] for _ in range(given.rounds)]
        for run in runs:
            print("  ".join(f"{given.documents / seconds:8.0f}/s  " for seconds, _ in run))
        for number, way in enumerate(WAYS[1:], start=1):
            ratios = [run[0][0] / run[number][0] for run in runs]
            memory = max(run[number][1] for run in runs)
            print(
                f"{way}: {statistics.median(ratios):.2f} of the bare loop's rate "
                f"({min(ratios):.2f} to {max(ratios):.2f}), peak memory {memory:.0f} MB"
            )
        first, second = (_apart("prepare", folder)[0] for _ in range(2))
    print(f"prepared for a run: {first:.1f} s; from the cache: {second:.2f} s")


def write_tree(folder: Path, documents: int) -> None:
    """Write documents of about 3 KB in ISO-8859-1 under `folder`."""
    from benchbench_demo.inventions import members
    from benchbench_demo.wipo_tree import to_xml
    from benchbench_demo.writing import write

    random = Random(0)
    stock = [write(0, member) for member in members(0, 2000)]
    for number, member in enumerate(members(1, documents)):
        patent = random.choice(stock)
        while len(patent.description) < CHARACTERS - 600:
            more = random.choice(stock).description
            patent = replace(patent, description=f"{patent.description} à {more}")
        code = member.codes[0]
        half = "test" if member.family % 3 == 0 else "train"
        place = folder / half / code[0] / code[1:3] / code[3] / code[4:7]
        place.mkdir(parents=True, exist_ok=True)
        text = to_xml(number, member, patent)
        (place / f"{number:07}.xml").write_bytes(text.encode("iso-8859-1"))


def _apart(way: str, folder: Path) -> tuple[float, float]:
    """Return (seconds, peak megabytes) of one way in a process of its own."""
    command = [sys.executable, __file__, "--measure", way, str(folder)]
    seconds, megabytes = json.loads(subprocess.check_output(command))
    return seconds, megabytes


def measure(way: str, name: str) -> tuple[float, float]:
    """Load the tree in this process, imports apart."""
    import datasets  # noqa: F401  a run has it in memory; it is not what is measured

    from benchbench import Reference
    from benchbench.catalog.lookup import load_catalog
    from benchbench.planning.preparation import prepare

    folder = Path(name)
    catalog = load_catalog()
    processes = int(way[0]) if way[0].isdigit() else 1
    given = {"path": str(folder / "tree"), "view": PARTS}
    if way[0].isdigit():
        given["processes"] = str(processes)
    reference = Reference("wipo-alpha", "tree", given)
    os.environ["BENCHBENCH_CACHE"] = str(folder / "cache")
    start = time.perf_counter()
    if way == "bare":
        bare_loop(folder / "tree")
    elif way == "prepare":
        prepare(reference, catalog)
    else:
        params = catalog.resolved("dataset", reference)
        with tempfile.TemporaryDirectory(dir=folder) as corpus:
            catalog.dataset("wipo-alpha").load(params, Path(corpus))
    seconds = time.perf_counter() - start
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return seconds, (own + (processes * child if processes > 1 else 0)) / 1024


def bare_loop(folder: Path) -> None:
    """Read every file and hand it to expat, with nothing listening."""
    for place, _, names in os.walk(folder):
        for name in names:
            with open(f"{place}/{name}", "rb") as file:  # noqa: PTH123  as fast as can be
                data = file.read()
            expat.ParserCreate().Parse(data, True)


if __name__ == "__main__":
    main()
