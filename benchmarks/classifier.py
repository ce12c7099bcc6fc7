"""Clips per second by network, batch, runtime and precision, beside torchvision's own networks run plainly.

    python benchmarks/classifier.py [--models NAME ...] [--seconds 3] [--calibration CLIPS] [--output FILE.md]

From uint8 clips in memory to probabilities, so with scaling and normalising; weights are random, which changes no
speed, but for INT8, which is `weights/actions.safetensors` rounded by the clips in the folder CLIPS and is left out
without it (as are runtimes that are not installed). Each figure is the mean over the calls that fit into --seconds, at
least one. On the CPU with --threads 1 seconds are the processor's, so that other programs count little; the best of
several calls would favour networks whose calls are short enough to fit between others' work. The last column is what a
row gives, over the reference: torchvision's r2plus1d_18 in eager PyTorch, same device, same batch. "torchvision eager"
is its network as it comes, float32, channels first; ours runs channels last and, on CUDA, in half precision.
torchvision's s3d takes no clips as small as ours and is left out.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from provenance import SHIPPED, write_result
from torch import nn
from torchvision.models import get_model, list_models
from torchvision.models import video as published

from classify.networks.preprocess import to_tensor
from classify.networks.profile import Profile
from classify.networks.registry import architecture, build_model
from classify.run.backends import Frames, Logits, Opened, open_onnxruntime, open_openvino
from classify.run.export import FORMATS, _read_clips, write_copy
from classify.run.pytorch import prepare, torch_logits
from classify.types import ACTIONS, CLIP_HEIGHT, CLIP_LENGTH, CLIP_WIDTH
from classify.weights.checkpoint import load_checkpoint
from classify.weights.description import CheckpointInfo
from ground.errors import InputError
from pipeline.shipped import WEIGHTS

_REFERENCE = "r2plus1d_18"
_MODELS = ("r2plus1d_18", "pooled_maps", "pooled")
_BATCHES = {"cpu": (1, 8), "cuda": (1, 8, 64)}

Row = tuple[str, str, str, str, int, float]
"""Network, runtime, precision, device, batch, clips per second."""


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=_MODELS, metavar="NAME")
    parser.add_argument("--seconds", type=float, default=3.0, help="per figure")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="on the CPU")
    parser.add_argument("--calibration", type=Path, metavar="CLIPS", help="clips (folder per label) to round INT8 by")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    models = [_REFERENCE, *(name for name in options.models if name != _REFERENCE)]
    rows: list[Row] = []
    for device in ("cpu", *["cuda"] * torch.cuda.is_available()):
        clock = time.process_time if device == "cpu" and options.threads == 1 else time.perf_counter
        for name in models:
            for runtime, precision, logits in ways(name, torch.device(device), options.calibration):
                for batch in _BATCHES[device]:
                    rate = clips_per_second(logits, batch, options.seconds, clock)
                    rows.append((name, runtime, precision, device, batch, rate))
                    print(*rows[-1][:5], f"{rate:.2f}", flush=True)
    write_result(options.output, "Clips per second", [*_head(options.threads), *_lines(rows)], SHIPPED[1:])


def ways(name: str, device: torch.device, calibration: Path | None) -> Iterator[tuple[str, str, Logits]]:
    """By runtime and precision, the network ready to run; each is let go before the next is made."""
    profile = architecture(name).profile
    torch.manual_seed(0)
    model, info = build_model(name, len(ACTIONS)).eval(), CheckpointInfo(name, ACTIONS, profile)
    if name in list_models(published) and name != "s3d":
        plain = get_model(name, weights=None, num_classes=len(ACTIONS)).eval().to(device)
        yield "torchvision eager", "FP32", _plainly(plain, profile, device)
    if device.type == "cuda":
        yield "torch", "FP16", torch_logits(prepare(model, device), profile)
        return
    with tempfile.TemporaryDirectory() as folder:
        for runtime, to, openers in (
            ("openvino", "openvino", open_openvino),
            ("onnxruntime", "onnx", lambda path: open_onnxruntime(path, device.type)),
        ):
            if logits := _copy(model, info, to, Path(folder), openers):
                yield runtime, "FP32", logits
        shipped, metadata = load_checkpoint(WEIGHTS / "actions.safetensors")
        clips = _read_clips(calibration) if calibration is not None and metadata.model == name else None
        if clips is not None and (logits := _copy(shipped, metadata, "openvino", Path(folder), open_openvino, clips)):
            yield "openvino", "INT8", logits
    yield "torch", "FP32", torch_logits(prepare(model, device), profile)


def _plainly(model: nn.Module, profile: Profile, device: torch.device) -> Logits:
    def run(clips: Frames) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            return model(to_tensor(clips, profile, device).float().contiguous()).cpu().numpy()

    return run


def _copy(
    model: nn.Module,
    info: CheckpointInfo,
    to: str,
    folder: Path,
    opened: Callable[[Path], Opened],
    clips: Frames | None = None,
) -> Logits | None:
    """A copy at work; None where its library is not installed or cannot express the network."""
    try:
        made = write_copy(model, info, to, folder / f"a{FORMATS[to]}", clips)
        if clips is not None:
            print(f"INT8: the same label for {made.agreement:.1%} of {made.clips} clips, {made.difference:.3f} away")
        return opened(folder / f"a{FORMATS[to]}").logits
    except InputError as error:
        print(f"left out: {info.model}: {error}")
        return None


def clips_per_second(logits: Logits, batch: int, seconds: float, clock: Callable[[], float]) -> float:
    """Of all calls with ``batch`` clips that begin within ``seconds``."""
    clips = np.random.default_rng(0).integers(0, 256, (batch, CLIP_LENGTH, CLIP_HEIGHT, CLIP_WIDTH, 3), dtype=np.uint8)
    torch.softmax(logits(clips[:1]), 1)  # the first call sets things up
    begun, calls = clock(), 0
    while not calls or clock() - begun < seconds:
        torch.softmax(logits(clips), 1)
        calls += 1
    return calls * batch / (clock() - begun)


def _lines(rows: list[Row]) -> Iterator[str]:
    base = {(row[3], row[4]): row[5] for row in rows if row[:2] == (_REFERENCE, "torchvision eager")}
    yield f"| network | runtime | precision | device | batch | clips per second | times {_REFERENCE} |"
    yield "|---" * 7 + "|"
    for *what, device, batch, rate in rows:
        yield f"| {' | '.join(what)} | {device} | {batch} | {rate:.2f} | {rate / base[device, batch]:.2f} |"


def _head(threads: int) -> list[str]:
    versions = ", ".join(f"{package} {found}" for package in _PACKAGES if (found := _version(package)))
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    clock = "seconds on the CPU are the processor's" if threads == 1 else "seconds are the clock's"
    return [f"{threads} thread{'s' * (threads > 1)}{gpu}; {versions}; {clock}", ""]


_PACKAGES = ("torch", "torchvision", "openvino", "onnxruntime", "nncf")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
