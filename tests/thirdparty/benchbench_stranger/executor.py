"""An executor that starts no process: for debugging a method."""

from benchbench import Outcome


class InThisProcess:
    name = "in-this-process"

    def run(self, jobs, progress):
        from benchbench.running import run_job

        for job in jobs:
            record = run_job(job, lambda event, cell=job.cell: progress(cell, event))
            yield Outcome(record, job.scratch)
