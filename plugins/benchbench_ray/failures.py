"""What an error of Ray means: the cell failed, or its machine did and the cell runs again."""

from __future__ import annotations

from benchbench import Job, Record
from benchbench.running import remote


def record_of_failure(job: Job, error: BaseException) -> Record | None:
    """Return the record of a job that ended with `error`, None where its machine failed.

    Ray's own texts hold addresses, so none of them reaches a record. The text of an error that the
    cell itself raised does.
    """
    from ray import exceptions

    if isinstance(error, exceptions.OutOfMemoryError):
        return remote.without_result(job, "oom", "killed by Ray: its machine was short of memory")
    if isinstance(error, exceptions.TaskCancelledError):
        return remote.without_result(job, "interrupted", "stopped by the user")
    if isinstance(error, exceptions.RayTaskError):
        return remote.failure(job, error.cause or error)
    if isinstance(error, exceptions.RuntimeEnvSetupError | exceptions.TaskUnschedulableError):
        reason = f"Ray could not start the cell ({type(error).__name__})"
        return remote.without_result(job, "failed", reason)
    return None
