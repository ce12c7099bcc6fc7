"""The choice of a device and of threads, where PyTorch is loaded and where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ground.compute import devices
from ground.compute.devices import may_have_gpu, resolve_device
from ground.compute.threads import num_threads
from ground.errors import InputError

_ROOT = Path(__file__).parents[2]
_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere PyTorch is always asked")


def _run(program: str, **environment: str) -> list[str]:
    """What a program prints, word by word, in an interpreter of its own."""
    known = os.environ | {"PYTHONPATH": str(_ROOT)} | environment
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=known, check=True)
    return ran.stdout.split()


def test_what_pytorch_can_use_is_never_ruled_out() -> None:
    assert may_have_gpu() or not (torch.cuda.is_available() or torch.backends.mps.is_available())
    assert resolve_device("auto") in ("cpu", "cuda", "mps")


@_LINUX
def test_a_driver_has_pytorch_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A C library that is there stands for NVIDIA's, a file for AMD's device."""
    monkeypatch.setattr(devices, "_NVIDIA_DRIVER", "libnothing.so.1")
    monkeypatch.setattr(devices, "_AMD_DRIVER", tmp_path / "kfd")
    assert not may_have_gpu()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == "cpu", "nobody was asked"
    monkeypatch.setattr(devices, "_NVIDIA_DRIVER", "libc.so.6")
    assert may_have_gpu() and resolve_device("auto") == "cuda"
    monkeypatch.setattr(devices, "_NVIDIA_DRIVER", "libnothing.so.1")
    (tmp_path / "kfd").touch()
    assert may_have_gpu() and resolve_device("auto") == "cuda"


@pytest.mark.parametrize("name", ["cuda:99", "cuda:x", "tpu", "cpu:1", ""])
def test_a_device_that_is_not_here_is_said(name: str) -> None:
    with pytest.raises(InputError, match="cpu"):
        resolve_device(name)


@pytest.mark.slow
def test_threads_are_those_that_pytorch_would_take() -> None:
    program = (
        "import sys\nfrom ground.compute.threads import num_threads\n"
        "before = num_threads()\nassert 'torch' not in sys.modules\n"
        "import torch\nprint(before, torch.get_num_threads(), num_threads())"
    )
    before, pytorch, after = _run(program, OMP_NUM_THREADS="")
    assert before == pytorch == after


@pytest.mark.parametrize(("given", "threads"), [("1", 1), ("1,4", 1), ("99999", 0), ("0", 0), ("many", 0), ("-1", 0)])
def test_without_pytorch_it_is_the_variable_where_that_makes_sense(
    given: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert cores >= 1 and num_threads() == (threads or cores)


@pytest.mark.slow
def test_a_limit_holds_for_what_is_loaded_later() -> None:
    """It is the same variable, so this tells, too, that PyTorch takes what the variable says."""
    program = (
        "import os, sys\nfrom ground.compute.threads import limit_threads, num_threads\nlimit_threads(1)\n"
        "before = num_threads()\nassert 'torch' not in sys.modules\nimport torch, cv2\n"
        "print(os.environ['OMP_NUM_THREADS'], before, torch.get_num_threads(), num_threads(), cv2.getNumThreads())"
    )
    assert _run(program, OMP_NUM_THREADS="3") == ["1"] * 5


def test_here_it_is_what_pytorch_was_told() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        assert num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
