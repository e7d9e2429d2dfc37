"""What a generated patent says, before `writing` puts it into words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from benchbench_demo.world import CODES, DEVICES, FIELDS, FREQUENCY, PURPOSES, UNITS, unit_of

Item = TypeVar("Item")
FAMILY_SIZES = (1, 1, 1, 2, 3)
NOISE = 0.045
"""The share of documents with wrong codes and a wrong unit."""
PARTNERS = 0.35
"""The share of inventions that have a partner device."""
SECOND_FIELDS = 0.2
"""The share of inventions that serve a second field."""


@dataclass(frozen=True, slots=True)
class Invention:
    """A device for a field, with an optional partner and second field, and its prior art.

    `known` is the prior art: the (device, field) that the text contrasts the invention with. It is
    described in the same words and has no code.
    """

    device: str
    field: str
    partner: str | None
    second_field: str | None
    known: tuple[str, str]
    group: str

    @property
    def codes(self) -> tuple[str, ...]:
        """The main code, then the secondary codes: nine characters each, subgroup 00."""
        pairs = [(self.device, self.field)]
        pairs += [(self.partner, self.field)] if self.partner else []
        pairs += [(self.device, self.second_field)] if self.second_field else []
        return tuple(
            dict.fromkeys(f"{CODES[device][field]}{self.group}00" for device, field in pairs)
        )


@dataclass(frozen=True, slots=True)
class Member:
    """One document of a family, with the codes and the unit it was filed under."""

    family: int
    number: int
    invention: Invention
    codes: tuple[str, ...]
    unit: str


def members(seed: int, documents: int) -> Iterator[Member]:
    """Yield `documents` documents, family by family; a larger number only adds to the end."""
    count = family = 0
    while count < documents:
        random = Random(f"{seed}/{family}")
        invention = draw_invention(random)
        for number in range(min(pick(random, FAMILY_SIZES), documents - count)):
            codes, unit = invention.codes, unit_of(invention.device, invention.field)
            if random.random() < NOISE:
                wrong = draw_invention(random)
                codes, unit = wrong.codes, pick(random, _units())
            yield Member(family, number, invention, codes, unit)
            count += 1
        family += 1


def draw_invention(random: Random) -> Invention:
    """Return an invention; its subclass is drawn first, which gives the labels a long tail."""
    device, field = pick(random, _pairs(pick(random, FREQUENCY, skew=0.7)))
    partner = second = None
    if random.random() < PARTNERS:
        partner = pick(random, [name for name in DEVICES if name != device])
    if random.random() < SECOND_FIELDS:
        second = pick(random, [name for name in FIELDS if name != field])
    known = pick(random, list(DEVICES)), pick(random, list(FIELDS))
    return Invention(device, field, partner, second, known, pick(random, list(PURPOSES)))


def pick(random: Random, items: Sequence[Item], skew: float = 0.0) -> Item:
    """Return an item; its weight is 1 / rank ** skew.

    It uses `Random.random` alone, whose numbers are the same in every version of Python.
    """
    weights = [(rank + 1) ** -skew for rank in range(len(items))]
    threshold = random.random() * sum(weights)
    for item, weight in zip(items, weights, strict=True):
        threshold -= weight
        if threshold < 0:
            return item
    return items[-1]


def _pairs(subclass: str) -> list[tuple[str, str]]:
    return [
        (device, field)
        for device, codes in CODES.items()
        for field, code in codes.items()
        if code == subclass
    ]


def _units() -> list[str]:
    return sorted({unit for pair in UNITS.values() for unit in pair})
