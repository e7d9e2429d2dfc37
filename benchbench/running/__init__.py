"""Cells run, each in its own process, and their outcomes are published to the store."""

from benchbench.running import worker
from benchbench.running.event_file import EventFile, events_to
from benchbench.running.executors import remote
from benchbench.running.executors.local import LOCAL, LocalExecutor, start_server
from benchbench.running.run_state import Settings, Suite
from benchbench.running.suite import failed, run
from benchbench.running.worker import run_job

__all__ = [
    "LOCAL",
    "EventFile",
    "LocalExecutor",
    "Settings",
    "Suite",
    "events_to",
    "failed",
    "remote",
    "run",
    "run_job",
    "start_server",
    "worker",
]
