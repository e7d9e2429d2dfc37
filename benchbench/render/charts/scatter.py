"""Quality against cost: one picture per cost, with the systems that no other one dominates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchbench.leaderboard import Table
from benchbench.render.charts.axes import LinearScale, LogScale, axes
from benchbench.render.charts.picture import Picture, Point, SvgElement, circle, path, words
from benchbench.render.table_reader import TableReader

SIZE = (380.0, 280.0)
NEAR = ((9, 4, "start"), (-9, 4, "end"), (0, -9, "middle"), (0, 17, "middle"))
"""Where a number may stand beside its dot, best first."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a rectangle."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost by its column's key; `gain` says that more of it is better."""

    key: str
    title: str
    unit: str
    gain: bool = False


COSTS = (
    Cost("fit_seconds", "Training time", "seconds to train"),
    Cost("documents_per_second", "Prediction speed", "documents per second", gain=True),
    Cost("peak_mib", "Memory", "peak MiB"),
    Cost("trainable_parameters", "Trained parameters", "trained parameters"),
)


@dataclass(frozen=True, slots=True)
class Dot:
    """A system: its place on the board, its name, its cost and its quality."""

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


def scatters(
    table: Table, metric: str, metric_title: str, *, lower_is_better: bool = False
) -> tuple[Scatter, ...]:
    """Return one picture per cost that at least two ranked systems have a value for."""
    dots_by_cost = ((cost, _dots(table, cost.key, metric)) for cost in COSTS)
    return tuple(
        _scatter(cost, dots, metric_title, lower_is_better)
        for cost, dots in dots_by_cost
        if len(dots) > 1
    )


def pareto_front(
    dots: Sequence[Dot], *, gain: bool = False, lower_is_better: bool = False
) -> tuple[Dot, ...]:
    """Return the systems that no other one matches on both counts and beats on one.

    They are sorted by cost, the best first; with `gain` more of the cost is better, with
    `lower_is_better` less of the quality.
    """
    sign, worse = (-1 if gain else 1), (1 if lower_is_better else -1)
    front: list[Dot] = []
    for dot in sorted(dots, key=lambda dot: (sign * dot.cost, worse * dot.quality, dot.place)):
        better = not front or worse * dot.quality < worse * front[-1].quality
        if better or (dot.cost, dot.quality) == (front[-1].cost, front[-1].quality):
            front.append(dot)
    return tuple(front)


def _dots(table: Table, cost: str, metric: str) -> list[Dot]:
    reader = TableReader(table)
    dots = []
    for row in table.rows:
        x, y = reader.number(row, cost), reader.number(row, metric)
        if row.place is not None and x is not None and y is not None:
            dots.append(Dot(row.place, reader.name(row), x, y))
    return dots


def _scatter(cost: Cost, dots: Sequence[Dot], metric_title: str, lower_is_better: bool) -> Scatter:
    width, height = SIZE
    front = pareto_front(dots, gain=cost.gain, lower_is_better=lower_is_better)
    across = LogScale.over((dot.cost for dot in dots), 44, width - 14)
    up = LinearScale.over((dot.quality for dot in dots), height - 40, 24)
    better = "right" if cost.gain else "left"
    shapes = axes(across, up, f"{cost.unit} (better to the {better})", metric_title)
    shapes.append(path([(across(dot.cost), up(dot.quality)) for dot in front], "front"))
    ordered = [*front, *(dot for dot in dots if dot not in front)]
    places = [(across(dot.cost), up(dot.quality)) for dot in ordered]
    for number, (dot, place) in enumerate(zip(ordered, places, strict=True)):
        radius, look = (5.5, "best") if number < len(front) else (4, "other")
        tooltip = f"{dot.place} {dot.name}: {dot.quality:.3f}, {dot.cost:,.6g} {cost.unit}"
        shapes.append(circle(place, radius, look, tooltip))
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


def _numbers(dots: Sequence[Dot], places: Sequence[Point], on_front: int) -> list[SvgElement]:
    """Write the place of a system beside its dot wherever there is room for it.

    The first `on_front` dots are on the front and get their numbers first. A number that would
    cover another one or a dot is left out: the tooltip of its dot has it.
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
                look = "number best" if number < on_front else "number"
                shapes.append(words((x + right, y + down), str(dot.place), look, anchor))
                taken.append(box)
                break
    return shapes


def _overlap(first: Box, second: Box) -> bool:
    """Say whether two rectangles have a point in common."""
    across = first[0] < second[2] and second[0] < first[2]
    return across and first[1] < second[3] and second[1] < first[3]
