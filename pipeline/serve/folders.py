"""Where a job's files lie, and the lock that tells whether somebody is at it."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ground.errors import unwritable

JOBS = "jobs"


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The folder of one job. Its name is the job's id, which the service has made."""

    path: Path

    @staticmethod
    def of(data: Path, job_id: str) -> JobFolder:
        """That of the job ``job_id`` below the service's folder."""
        return JobFolder(data / JOBS / job_id)

    @property
    def results(self) -> Path:
        """What ``analyze`` writes."""
        return self.path / "results"

    @property
    def video(self) -> Path:
        """A second name of the video's file while the job runs, so that it cannot be taken away meanwhile.

        It is also what the report's page asks for, as it lies: ``../video`` from the results.
        """
        return self.path / "video"

    @property
    def settings(self) -> Path:
        """TOML for ``analyze``."""
        return self.path / "settings.toml"

    @property
    def progress(self) -> Path:
        """See ``pipeline.progress.InFile``."""
        return self.path / "progress.json"

    @property
    def log(self) -> Path:
        """What ``analyze`` says."""
        return self.path / "log.txt"

    def hold(self) -> int | None:
        """Take the job's lock -> its open file; None: somebody is at the job.

        The system frees it when the last process that has inherited the file has ended, in whatever way.
        Raises InputError where the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unwritable(self.path, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        return handle

    def remove(self) -> None:
        """Remove all files of the job; whoever calls it holds the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
