"""Keeps an installation in order: how large things are, what can go, and what is wrong."""

from benchbench.upkeep.cache_entries import CacheUsage, cache_usage
from benchbench.upkeep.cleaning import ALL, Waste, waste_held
from benchbench.upkeep.disk_sizes import bytes_below, bytes_of_record
from benchbench.upkeep.examination import examine
from benchbench.upkeep.health import Health
from benchbench.upkeep.removal import Removal, remove

__all__ = [
    "ALL",
    "CacheUsage",
    "Health",
    "Removal",
    "Waste",
    "bytes_below",
    "bytes_of_record",
    "cache_usage",
    "examine",
    "remove",
    "waste_held",
]
