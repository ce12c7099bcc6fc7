"""Work in batches as large as memory holds: where a GPU's does not, they become smaller, and the work goes on."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from ground.errors import InputError

_log = logging.getLogger("courtscribe")

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_SIGNS = ("out of memory", "failed to allocate memory", "alloc_failed")
"""What PyTorch, ONNX Runtime and cuBLAS say, in lower case, where a GPU's memory is full."""


class Batches:
    """How many at a time; half as many whenever that was too much."""

    def __init__(self, what: str, size: int) -> None:
        """what: of which ``size`` go at a time, in the plural."""
        self._what = what
        self.size = size

    def run(self, work: Callable[[Sequence[_Item]], Sequence[_Result]], items: Sequence[_Item]) -> list[_Result]:
        """``work`` on all of ``items``, a batch at a time -> its results, one per item, in their order.

        Raises InputError where memory does not hold a single one, and what ``work`` raises.
        """
        results: list[_Result] = []
        while len(results) < len(items):
            batch = items[len(results) : len(results) + self.size]
            if (found := self._try(work, batch)) is None:
                self._halve(len(batch))
            else:
                results += found
        return results

    def _try(
        self, work: Callable[[Sequence[_Item]], Sequence[_Result]], batch: Sequence[_Item]
    ) -> Sequence[_Result] | None:
        """None where memory was too short."""
        try:
            return work(batch)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None

    def _halve(self, tried: int) -> None:
        if tried == 1:
            raise _too_small(f"no room for even one of the {self._what}")
        self.size = tried // 2
        _free()
        _log.warning("the GPU's memory is full: %d %s at a time from now on", self.size, self._what)


@contextmanager
def on_device(what: str) -> Generator[None]:
    """Bring ``what`` to the device that it runs on. Raises InputError where a GPU's memory does not hold it."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise _too_small(f"no room for {what}") from error
        raise


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a GPU's memory was too short, as any of the libraries says it."""
    return isinstance(error, Exception) and any(sign in str(error).lower() for sign in _SIGNS)


def _too_small(what: str) -> InputError:
    return InputError(f"the GPU's memory has {what}; end what else is using it, or choose cpu", "device")


def _free() -> None:
    """Give back what the attempt that failed has left."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
