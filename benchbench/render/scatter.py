"""Quality against cost: one picture for each cost, with the systems that none beats on both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchbench.leaderboard import Table
from benchbench.render.axes import LinearScale, LogScale, axes
from benchbench.render.picture import Picture, Shape, circle, path, words
from benchbench.render.rows import Reading

SIZE = (380.0, 280.0)
NEAR = ((9, 4, "start"), (-9, 4, "end"), (0, -9, "middle"), (0, 17, "middle"))
"""Where a number may stand beside its dot, best first."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost by its column's key; `gain` says that more of it is better."""

    key: str
    title: str
    unit: str
    gain: bool = False


COSTS = (
    Cost("fit_seconds", "Training time", "seconds to train"),
    Cost("documents_per_second", "Prediction speed", "documents a second", gain=True),
    Cost("peak_mib", "Memory", "peak MiB"),
    Cost("trainable_parameters", "Trained parameters", "trained parameters"),
)


@dataclass(frozen=True, slots=True)
class Dot:
    """A system: its place on the board, its name, what it costs and how good it is."""

    place: int
    name: str
    cost: float
    quality: float


@dataclass(frozen=True, slots=True)
class Scatter:
    """A picture, its cost, and the systems on its Pareto front from cheap to costly."""

    cost: Cost
    picture: Picture
    front: tuple[Dot, ...]


def scatters(table: Table, metric: str, metric_title: str) -> tuple[Scatter, ...]:
    """Return a picture for every cost that at least two ranked systems have a value for."""
    found = []
    for cost in COSTS:
        dots = _dots(table, cost.key, metric)
        if len(dots) > 1:
            found.append(_scatter(cost, dots, metric_title))
    return tuple(found)


def pareto_front(dots: Sequence[Dot], *, gain: bool = False) -> tuple[Dot, ...]:
    """Return the systems that no other one matches on both counts and beats on one.

    They are sorted by cost, from good to bad; with `gain` more of the cost is better.
    """
    sign = -1 if gain else 1
    front: list[Dot] = []
    for dot in sorted(dots, key=lambda each: (sign * each.cost, -each.quality, each.place)):
        better = not front or dot.quality > front[-1].quality
        if better or (dot.cost, dot.quality) == (front[-1].cost, front[-1].quality):
            front.append(dot)
    return tuple(front)


def _dots(table: Table, cost: str, metric: str) -> list[Dot]:
    reading = Reading(table)
    dots = []
    for row in table.rows:
        x, y = reading.number(row, cost), reading.number(row, metric)
        if row.place is not None and x is not None and y is not None:
            dots.append(Dot(row.place, reading.name(row), x, y))
    return dots


def _scatter(cost: Cost, dots: Sequence[Dot], metric_title: str) -> Scatter:
    width, height = SIZE
    front = pareto_front(dots, gain=cost.gain)
    across = LogScale.over((dot.cost for dot in dots), 44, width - 14)
    up = LinearScale.over((dot.quality for dot in dots), height - 40, 24)
    better = "right" if cost.gain else "left"
    shapes = axes(across, up, f"{cost.unit} (better to the {better})", metric_title)
    shapes.append(path([(across(dot.cost), up(dot.quality)) for dot in front], "front"))
    ordered = [*front, *(dot for dot in dots if dot not in front)]
    places = [(across(dot.cost), up(dot.quality)) for dot in ordered]
    for dot, place in zip(ordered, places, strict=True):
        on_front = dot in front
        tooltip = f"{dot.place} {dot.name}: {dot.quality:.3f}, {dot.cost:,.6g} {cost.unit}"
        shapes.append(
            circle(place, 5.5 if on_front else 4, "best" if on_front else "other", tooltip)
        )
    shapes += _numbers(ordered, places, len(front))
    listed = "; ".join(
        f"{dot.place} {dot.name} ({dot.quality:.3f}, {dot.cost:,.4g})" for dot in front
    )
    description = (
        f"{len(dots)} systems by {metric_title} and {cost.unit}, the cost logarithmic. On the "
        f"Pareto front, where no other system is both better and cheaper: {listed}."
    )
    title = f"{metric_title} against {cost.title.lower()}"
    return Scatter(cost, Picture(width, height, title, description, tuple(shapes)), front)


def _numbers(dots: Sequence[Dot], places: Sequence[tuple[float, float]], named: int) -> list[Shape]:
    """Write the place of a system beside its dot wherever there is room for it.

    The first `named` are on the front and are served first. A number that would cover another
    one or a dot is left out: the tooltip of its dot has it.
    """
    width, height = SIZE
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in places]
    shapes = []
    for number, (dot, (x, y)) in enumerate(zip(dots, places, strict=True)):
        size = 7.0 * len(str(dot.place))
        for right, down, anchor in NEAR:
            left = x + right - {"start": 0.0, "middle": size / 2, "end": size}[anchor]
            box = (left, y + down - 9, left + size, y + down)
            inside = left > 0 and box[2] < width and box[1] > 14 and box[3] < height - 40
            if inside and not any(_overlap(box, other) for other in taken):
                look = "number best" if number < named else "number"
                shapes.append(words((x + right, y + down), str(dot.place), look, anchor))
                taken.append(box)
                break
    return shapes


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
