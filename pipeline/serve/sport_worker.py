"""The process that tells sports, kept alive between requests: begun at the first, ended when nobody asks for long."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pipeline.serve.problem import Problem

_IDLE = 300.0
"""Seconds after which it is ended."""
_DEADLINE = 60.0
"""Seconds that one answer may take, loading the network included."""
_MOST_WAITING = 8
"""Requests that wait for their turn; more are told to come again."""
_LONGEST_ANSWER = 1 << 20


class SportWorker:
    """Asks one thing at a time. Threads may share it."""

    def __init__(
        self, folder: Path, idle: float = _IDLE, deadline: float = _DEADLINE, most_waiting: int = _MOST_WAITING
    ) -> None:
        """folder: see ``pipeline.sport.worker``. idle, deadline: seconds."""
        self._command = [sys.executable, "-m", "pipeline.sport.worker", str(folder)]
        self._idle, self._deadline = idle, deadline
        self._places, self._turn = threading.BoundedSemaphore(1 + most_waiting), threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None

    def ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The worker's answer. Raises Problem: 429 where too many wait, 400 for bad input, 503 where it broke."""
        if not self._places.acquire(blocking=False):
            raise Problem(429, "too many pictures wait for their turn; try again", {"Retry-After": "2"})
        try:
            with self._turn:
                told = self._exchange(asked)
        finally:
            self._places.release()
        if "error" in told:
            raise Problem(400, str(told["error"]))
        return told

    def close(self) -> None:
        """End it; the next request begins it again."""
        with self._turn:
            self._end()

    @property
    def pid(self) -> int | None:
        """Of the process, where it runs."""
        return None if self._process is None else self._process.pid

    def _exchange(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self._timer is not None:
            self._timer.cancel()
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = self._begin()
        try:
            told = json.loads(self._line(self._process, json.dumps(asked).encode() + b"\n"))
        except (OSError, ValueError, TimeoutError) as error:
            self._end()
            took = "took too long" if isinstance(error, TimeoutError) else "could not be looked at"
            raise Problem(503, f"the picture {took}; try again, or a smaller one", {"Retry-After": "2"}) from error
        self._timer = threading.Timer(self._idle, self.close)
        self._timer.daemon = True
        self._timer.start()
        return told

    def _begin(self) -> subprocess.Popen[bytes]:
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **threads}
        )

    def _line(self, process: subprocess.Popen[bytes], asked: bytes) -> bytes:
        """One line, within the deadline. Raises TimeoutError; OSError where the process is gone."""
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(asked)
        process.stdin.flush()
        until, answer = time.monotonic() + self._deadline, b""
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError
            piece = os.read(process.stdout.fileno(), 1 << 16)
            answer += piece
            if not piece or len(answer) > _LONGEST_ANSWER:
                raise OSError("the worker is gone")
        return answer

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was to be written to it has nowhere to go
                    continue
