"""Clear up a store and the caches, while no run uses them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchbench.contract import BenchbenchError, StoreError, did_you_mean
from benchbench.machine import held_alone, is_private
from benchbench.records import existing_store
from benchbench.upkeep.cache_entries import (
    CONTENTS,
    cache_usage,
    entries_of,
    temporaries_of_cache,
)
from benchbench.upkeep.needed_attempts import attempts_of
from benchbench.upkeep.removal import Removal
from benchbench.upkeep.store_waste import waste_of

ALL = "all"


@dataclass(frozen=True, slots=True)
class Waste:
    """What can be removed. `boards` is the number of boards of the store, None without a store."""

    removals: tuple[Removal, ...]
    boards: int | None


@contextmanager
def waste_held(root: Path | None, cache: Path, kinds: Collection[str]) -> Iterator[Waste]:
    """Give what can be removed of a store and the caches, which no run may use meanwhile.

    `root` is the folder of the store, None for none; `kinds` are the kinds of cache whose entries
    are to go. Raises StoreError where a run uses the store or the caches, and where a board or
    record cannot be read; UnknownName for an unknown kind.
    """
    with ExitStack() as held:
        removals: list[Removal] = []
        boards = None
        if root is not None:
            store = existing_store(root)
            held.enter_context(held_alone(store.root))
            attempts = attempts_of(store)
            boards = len(attempts.boards)
            removals += waste_of(store, attempts)
        if kinds_there := chosen_kinds(kinds, cache):
            if not is_private(cache):
                raise StoreError(
                    f"{cache} is not yours alone, so nothing in it is removed. Delete what you "
                    "do not need by hand."
                )
            held.enter_context(held_alone(cache))
            removals += temporaries_of_cache(cache)
            for kind in kinds_there:
                removals += entries_of(cache, kind)
        yield Waste(tuple(removals), boards)


def chosen_kinds(kinds: Collection[str], cache: Path) -> list[str]:
    """Return the kinds of cache that are meant, each once; raise BenchbenchError for another."""
    there = [usage.kind for usage in cache_usage(cache)]
    known = {*there, *CONTENTS, ALL}
    for kind in kinds:
        if kind not in known:
            raise BenchbenchError(f"Unknown kind of cache '{kind}'{did_you_mean(kind, known)}")
    return [kind for kind in there if kind in kinds or ALL in kinds]
