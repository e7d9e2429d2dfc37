"""From evidence to tables."""

from benchbench.leaderboard.build import Leaderboard, LearningCurve, Section, build_leaderboard
from benchbench.leaderboard.costs import duration
from benchbench.leaderboard.pair_tables import pairs
from benchbench.leaderboard.tables import Column, Entry, Row, Table, Value, interval_entry, p_text

__all__ = [
    "Column",
    "Entry",
    "Leaderboard",
    "LearningCurve",
    "Row",
    "Section",
    "Table",
    "Value",
    "build_leaderboard",
    "duration",
    "interval_entry",
    "p_text",
    "pairs",
]
