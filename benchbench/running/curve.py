"""The learning curve of a cell: every step is reported, and a thinned set of points is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchbench.contract import Event

MOST_POINTS = 200
Report = Callable[[Event], None]


class Curve:
    """Called as `Task.report`; it keeps every validation and at most about 200 other points."""

    def __init__(self, report: Report) -> None:
        self.points: list[dict[str, float]] = []
        self._report, self._every, self._count = report, 1, 0

    def __call__(self, step: int, total: int, values: Mapping[str, float]) -> None:
        """Report a step of the training, and keep it if it is one of the points."""
        plain = {name: float(value) for name, value in values.items()}
        self._report(Event("train", step, total, plain))
        if "validation_loss" in plain or self._count % self._every == 0:
            self.points.append({"step": step, **plain})
        self._count += 1
        if len(self.points) > MOST_POINTS:
            self.points = [
                point
                for number, point in enumerate(self.points)
                if number % 2 == 0 or "validation_loss" in point
            ]
            self._every *= 2

    def report_stage(self, stage: str, step: int, total: int, values: Mapping[str, float]) -> None:
        """Report a step of another stage, which is not part of the learning curve."""
        self._report(Event(stage, step, total, values))
