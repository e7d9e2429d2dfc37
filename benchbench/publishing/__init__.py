"""Leaderboards are published, verified and compared, from files alone."""

from benchbench.publishing.diff import (
    Difference,
    Selected,
    diff_settings,
    diff_stores,
    select,
    settings_of,
)
from benchbench.publishing.publication import check_folder, opened, publish_board
from benchbench.publishing.verification import verify

__all__ = [
    "Difference",
    "Selected",
    "check_folder",
    "diff_settings",
    "diff_stores",
    "opened",
    "publish_board",
    "select",
    "settings_of",
    "verify",
]
