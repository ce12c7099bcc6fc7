"""The networks that an analysis needs, each loaded when it is first wanted and kept for the next video."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from classify.run.classifier import ActionClassifier
from ground.compute.devices import resolve_device
from pipeline.shipped import COURT_WEIGHTS, NUMBER_WEIGHTS, WEIGHTS
from tracker.court.segmenter import CourtSegmenter
from tracker.detect.detector import YoloDetector
from tracker.looks.describers import Describer
from tracker.looks.registry import make_describers
from tracker.numbers.reader import NumberReader

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig

_M = TypeVar("_M")


class Models:
    """Networks by the settings that they were loaded with; pass one on from video to video and nothing loads twice.

    One analysis at a time: networks keep buffers between calls.
    """

    def __init__(self) -> None:
        self._loaded: dict[Hashable, object] = {}
        self.on_gpu = False
        """Whether a network was asked for on a GPU."""

    def detector(self, config: PipelineConfig) -> YoloDetector:
        """What finds the players. Raises InputError for weights that cannot be used."""
        device = self._device(config)
        return self._once(("detector", config.detector, device), lambda: YoloDetector(config.detector, device))

    def classifier(self, config: PipelineConfig) -> ActionClassifier:
        """What labels clips. Raises InputError for weights that cannot be used."""
        wanted, device = config.classifier, self._device(config)
        return self._once(
            ("classifier", wanted, device),
            lambda: ActionClassifier(
                Path(wanted.weights), device, wanted.batch or None, wanted.runtime, wanted.precision
            ),
        )

    def court(self, config: PipelineConfig) -> CourtSegmenter | None:
        """What sees the areas of a court; None where nobody looks for one. On the CPU, so that all see the same."""
        if not config.court.find:
            return None
        return self._once(("court",), lambda: CourtSegmenter(WEIGHTS / COURT_WEIGHTS))

    def load(self, config: PipelineConfig) -> None:
        """Load detector and classifier now: what is wrong with them is said before long work. Raises InputError."""
        self.classifier(config)
        self.detector(config)

    def describers(self, config: PipelineConfig) -> list[Describer]:
        """Ways to see what a player looks like. Raises InputError for files that cannot be used."""
        return self._once(("describers", config.looks), lambda: make_describers(config.looks))

    def number_reader(self, config: PipelineConfig) -> NumberReader | None:
        """What reads numbers on shirts; None where nobody reads them. On the CPU, so that all read the same."""
        if not config.numbers.read:
            return None
        return self._once(("numbers",), lambda: NumberReader(WEIGHTS / NUMBER_WEIGHTS))

    def _device(self, config: PipelineConfig) -> str:
        device = resolve_device(config.device)
        self.on_gpu |= device != "cpu"
        return device

    def _once(self, key: Hashable, load: Callable[[], _M]) -> _M:
        if key not in self._loaded:
            self._loaded[key] = load()
        return cast(_M, self._loaded[key])
