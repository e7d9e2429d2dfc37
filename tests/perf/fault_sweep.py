"""Plant a fault at every file operation of a small run, run again, and compare the stores.

Run it: python tests/perf/fault_sweep.py [--quick] [--only suite,kill]

The faults: a process is killed, a write is cut short, the disk is full, gives an input error or
refuses the permission, once or from then on; in the suite, in the reader of the dataset and in a
cell. With --quick, a process is killed at every change of the store and once per file of code that
changes another file, and each place that asks for an operation meets one error of the disk: each
line in the suite, each file in the others.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]


def main() -> None:
    """Plant the faults; print every broken promise and a count; exit with 1 if any was broken."""
    from tests.support.fault_trials import count_operations, warm_up, workplace

    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only", default="", metavar="WORD", help="in PROCESS,KIND")
    options.add_argument("--share", default="1/1", metavar="K/N", help="plant every N-th fault")
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    with workplace() as root:
        warm_up(root, given.quick)
        start = time.monotonic()
        operations, expected = count_operations(root)
        print({name: len(seen) for name, seen in operations.items()}, flush=True)
        faults = [f for f in planned(operations, given.quick)
                  if given.only in f"{f.process},{f.kind}"]  # fmt: skip
        part, parts = map(int, given.share.split("/"))
        faults = faults[part - 1 :: parts]
        children = [
            _in_child(root, faults[number :: given.jobs], operations, expected)
            for number in range(given.jobs)
        ]
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(f"{len(faults)} faults, {time.monotonic() - start:.0f} s: "
          f"{'promises were broken' if any(ended) else 'every promise held'}")  # fmt: skip
    sys.stdout.flush()
    os._exit(1 if any(ended) else 0)


def _in_child(root, faults, operations, expected):
    """Try the faults in a fork, which ends with 1 if any promise was broken; return its id."""
    from tests.support.fault_trials import trial

    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    broken = 0
    try:
        for fault in faults:
            operation, asker = operations[fault.process][fault.at - 1]
            for promise in trial(root, fault, expected):
                broken += 1
                print(f"{fault} at {operation} of {asker}: {promise}", flush=True)
    except BaseException:
        broken += 1
        traceback.print_exc()
    finally:
        os._exit(1 if broken else 0)


def planned(operations, quick):
    """Return the faults to plant.

    A process that is killed between two operations that change the disk leaves the same disk, so
    kills happen at changes alone.
    """
    from tests.support.fault_trials import SUITE, Fault
    from tests.support.planted import CHANGES, KILL, KINDS, SHORT

    chosen = []
    for process, seen in operations.items():
        for kind in KINDS:
            met = set()
            for number, asked in enumerate(map(tuple, seen), start=1):
                suits = {KILL: asked[0] in CHANGES, SHORT: asked[0] == "write"}.get(kind, True)
                everywhere = not quick or (kind == KILL and process == SUITE)
                place = asked if process == SUITE else (asked[0], asked[1].partition(":")[0])
                if suits and (everywhere or place not in met):
                    met.add(place)
                    chosen.append(Fault(process, kind, number))
    if not quick:
        return chosen
    errors = [fault for fault in chosen if fault.kind not in (KILL, SHORT)]
    places = sorted({(fault.process, fault.at) for fault in errors})
    one_each = {place: KINDS[2 + number % len(KINDS[2:])] for number, place in enumerate(places)}
    return [fault for fault in chosen
            if one_each.get((fault.process, fault.at), fault.kind) == fault.kind
            or fault.kind in (KILL, SHORT)]  # fmt: skip


if __name__ == "__main__":
    main()
