"""What an error of Ray says of a cell: that it failed, or that it is to run again elsewhere."""

from __future__ import annotations

from benchbench import Job, Record
from benchbench.running.executors import remote as elsewhere


def verdict(job: Job, error: BaseException) -> Record | None:
    """Return the record of a job that ended so; None where its machine died, not the cell.

    No text of Ray's is passed on but that of an error in the task: it holds addresses.
    """
    from ray import exceptions

    if isinstance(error, exceptions.OutOfMemoryError):
        return elsewhere.without_result(
            job, "oom", "killed by Ray: its machine was short of memory"
        )
    if isinstance(error, exceptions.TaskCancelledError):
        return elsewhere.without_result(job, "interrupted", "stopped by the user")
    if isinstance(error, exceptions.RayTaskError):
        return elsewhere.failure(job, error.cause or error)
    if isinstance(error, exceptions.RuntimeEnvSetupError | exceptions.TaskUnschedulableError):
        reason = f"Ray could not start it ({type(error).__name__})"
        return elsewhere.without_result(job, "failed", reason)
    return None
