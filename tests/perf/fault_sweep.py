"""Plant a fault at every file operation of a small run, run again, and compare the stores.

Run it: python tests/perf/fault_sweep.py [--quick] [--only suite,kill]

The faults: a process is killed, a write is cut short, the disk is full, gives an input error or
refuses the permission, once or from then on; in the suite, in the reader of the dataset and in a
cell. With --quick, kills happen at every operation of the suite's store and cache, and the other
faults once per operation and line of code that asks for it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]


def main() -> None:
    """Plant the faults; print every broken promise and a count; exit with 1 if any was broken."""
    from tests.support.fault_trials import count_operations, trial, warm_up, workplace

    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only", default="")
    options.add_argument("--seconds", type=float, default=1e9)
    given = options.parse_args()
    warm_up()
    start, broken, done = time.monotonic(), 0, 0
    with workplace() as root:
        operations, expected = count_operations(root)
        print({name: len(seen) for name, seen in operations.items()}, flush=True)
        faults = [f for f in planned(operations, given.quick)
                  if not given.only or given.only in f"{f.process},{f.kind}"]  # fmt: skip
        print(f"{len(faults)} faults", flush=True)
        for fault in faults:
            done += 1
            asked = operations[fault.process][fault.at - 1]
            for promise in trial(root, fault, expected):
                broken += 1
                print(f"{fault} at {' of '.join(asked)}: {promise}", flush=True)
    seconds = time.monotonic() - start
    print(f"{done} faults, {broken} broken promises, {seconds:.0f} s")
    os._exit(1 if broken else 0)


def planned(operations, quick):
    """Return the faults to plant."""
    from tests.support.fault_trials import KINDS, Fault
    from tests.support.planted import KILL, SHORT

    faults = []
    for process, seen in operations.items():
        for kind in KINDS:
            met = set()
            for number, asked in enumerate(map(tuple, seen), start=1):
                if kind == SHORT and asked[0] != "write":
                    continue
                if quick and kind != KILL and asked in met:
                    continue
                met.add(asked)
                faults.append(Fault(process, kind, number))
    return faults


if __name__ == "__main__":
    main()
