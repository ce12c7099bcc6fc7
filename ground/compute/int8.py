"""A network's convolutions and products in eight bits, by NNCF's quantisation after training."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import numpy.typing as npt

from ground.compute.openvino_package import openvino_package
from ground.packages import need

_ONE_AT_A_TIME = threading.Lock()
"""Standard output is the whole process's: two threads at once would put back each other's."""


def to_int8(
    model: Any,
    samples: Sequence[npt.NDArray[np.float32]],
    is_exact: Callable[[Any], bool],
    *,
    fast_bias_correction: bool = True,
    same_everywhere: bool = False,
) -> Any:
    """An ``openvino.Model`` with INT8 where it pays, fitted to ``samples``, inputs as it takes them.

    is_exact: of an operator of the model: whether it keeps its precision. Activations are asymmetric, as most come out
    of SiLU or ReLU. same_everywhere: weights take seven bits, as processors without VNNI add two products in 16 bits,
    which eight would overflow: there the network would give something else. Raises InputError where NNCF is missing.
    """
    nncf = need("INT8", "nncf")
    openvino_package("INT8")  # which it runs the network by
    nncf.set_log_level(logging.ERROR)
    exact = [op.get_friendly_name() for op in model.get_ordered_ops() if is_exact(op)]
    advanced = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE if same_everywhere else None)
    with _ONE_AT_A_TIME, redirect_stdout(io.StringIO()):  # its bars of progress go there, and no setting stops them
        return nncf.quantize(
            model,
            nncf.Dataset(list(samples)),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(samples),
            ignored_scope=nncf.IgnoredScope(names=exact, validate=False),
            fast_bias_correction=fast_bias_correction,
            advanced_parameters=advanced,
        )
