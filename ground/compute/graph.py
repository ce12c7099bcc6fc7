"""A small network as an OpenVINO graph beside its weights: it runs without PyTorch, which takes a second to load.

The graph computes in float32, each batch on one thread, so what it says does not depend on the machine's cores.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt

from ground.compute.compiled import compile_network
from ground.compute.openvino_package import openvino_package
from ground.disk.files import sha256_of
from ground.errors import InputError
from ground.packages import quiet

_SOURCE = "made_of"
"""What the graph says of itself: SHA-256 of the weights that it was made of."""
Network = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""One batch of inputs to the network's only output."""


def graph_of(weights: Path) -> Path:
    """Where the graph of a file of weights lies: beside it."""
    return weights.with_suffix(".xml")


def open_graph(weights: Path, side_by_side: int = 1) -> Network | None:
    """The network whose graph lies beside its ``weights``; None where there is none, or it was made of others.

    side_by_side: batches that it computes at once, for as many threads; others wait.
    """
    try:
        if not graph_of(weights).is_file() or not graph_of(weights).with_suffix(".bin").is_file():
            return None
        made_of = sha256_of(weights)
    except OSError:
        return None
    openvino = openvino_package("a network's graph")
    try:
        model = openvino.Core().read_model(graph_of(weights))
    except RuntimeError:
        return None
    if not model.has_rt_info(_SOURCE) or model.get_rt_info(_SOURCE).astype(str) != made_of:
        return None
    threads = {"INFERENCE_NUM_THREADS": side_by_side, "NUM_STREAMS": side_by_side}
    compiled = compile_network(model, {"INFERENCE_PRECISION_HINT": "f32", **threads}, graph_of(weights))
    free = SimpleQueue[Any]()
    for _ in range(side_by_side):
        free.put(compiled.create_infer_request())

    def see(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        request = free.get()
        try:
            return np.asarray(request.infer([inputs])[0]).copy()
        finally:
            free.put(request)

    return see


def open_network(weights: Path, load: Callable[[Path], Any], side_by_side: int = 1) -> Network:
    """The network by its graph, or by PyTorch where none lies beside its ``weights``; see ``open_graph``.

    load: what makes the trained ``torch.nn.Module`` of its weights, and raises InputError for others.
    """
    return open_graph(weights, side_by_side) or _by_pytorch(load(weights))


def _by_pytorch(network: Any) -> Network:
    import torch

    def see(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            return network(torch.from_numpy(inputs)).numpy()

    return see


def load_weights(network: Any, weights: Path, what: str) -> Any:
    """``network`` with its ``weights`` (safetensors), ready to be asked. what: they should be, for the message.

    Raises InputError for weights that are none of it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        network.load_state_dict(load_file(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{weights}: no weights {what} ({reason:.100})") from error
    return network.eval()


def save_graph(network: Any, example: Any, weights: Path) -> None:
    """Keep the graph of a ``torch.nn.Module`` beside its ``weights``. example: a tensor that it takes, any batch."""
    openvino = openvino_package("a network's graph")
    shape = [-1, *example.shape[1:]]
    with quiet():
        model = openvino.convert_model(network.eval(), example_input=example, input=[shape])
    model.set_rt_info(sha256_of(weights), _SOURCE)
    openvino.save_model(model, graph_of(weights), compress_to_fp16=False)
