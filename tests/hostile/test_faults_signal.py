"""A signal that reaches all processes of a run ends them all, once, and the first one's line is the only one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_RUN = """
import signal, sys, time
from dataclasses import dataclass
from pathlib import Path
from pipeline.parts.pool import Pool, completed
from pipeline.parts.processes import ProcessWorker

@dataclass
class Sleep:
    mark: Path
    kind = "sleep"
    def do(self, models):
        self.mark.touch()
        time.sleep(60)

def stop(*_):
    raise SystemExit(143)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with Pool([ProcessWorker(), ProcessWorker()]) as pool:
        jobs = [pool.submit(Sleep(Path(sys.argv[1]) / f"begun-{number}")) for number in range(2)]
        (Path(sys.argv[1]) / "given").touch()
        for job in completed(jobs):
            job.result()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no groups of processes here")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", ["given", "begun-1"])
def test_a_signal_to_all_processes_ends_them_without_a_word(
    number: signal.Signals, moment: str, tmp_path: Path
) -> None:
    (tmp_path / "run.py").write_text(_RUN, encoding="utf-8")
    run = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), str(tmp_path)], stderr=subprocess.PIPE, text=True,
        start_new_session=True, env=os.environ | {"PYTHONPATH": str(_ROOT)},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (tmp_path / moment).exists():
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(run.pid, number)
    _, said = run.communicate(timeout=60)  # which ends with the last process that could still speak
    assert run.returncode == 143 and not said
