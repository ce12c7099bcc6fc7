"""The folder of one training: settings, what was learnt from, what came out, as files that other programs read.

``config.json``, ``clips.csv`` (which clip was for what), ``left_out.csv``; ``metrics.csv`` and ``curves.png`` by epoch;
``report.json`` with the scores; ``confusion.png``, ``recall.png`` and ``mistakes.png`` of each test set; and the
weights, ``actions.safetensors``. While training it also holds ``*.state.pt``, to go on from.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classify.data.clips import BadClip, LabelledClip
from classify.evaluate.judgement import Judgement
from classify.train import plots
from classify.train.dataset import TrainingData, count_kinds
from classify.train.fit import Epoch
from ground.disk.files import visible, write_atomically
from ground.errors import InputError

CHECKPOINT = "actions.safetensors"
_CONFIG, _CLIPS, _BAD, _REPORT, _STATE = "config.json", "clips.csv", "left_out.csv", "report.json", ".state.pt"
_FIRST = {_CONFIG, _CLIPS, _BAD}
"""Files that are written before anything is learnt; a training that failed then is not worth keeping."""

_log = logging.getLogger("courtscribe")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where one training keeps its files."""

    path: Path

    @classmethod
    def of(cls, output: Path) -> RunFolder:
        """The folder for ``output``: itself or, for a ``.safetensors`` file, the ``.run`` beside it."""
        return cls(output.with_suffix(".run") if output.suffix == ".safetensors" else output)

    def check(self, resume: bool) -> None:
        """Raises InputError when another training has come somewhere here, or when the folder is something else's."""
        names = {p.name for p in visible(self.path)} if self.path.is_dir() else set[str]()
        if _REPORT in names:
            raise InputError(f"{self.path}: holds a training that is finished; name another folder", setting="output")
        begun = any(name.endswith(_STATE) for name in names) or (_CONFIG in names and bool(names - _FIRST))
        if begun and not resume:
            raise InputError(f"{self.path}: holds a training; name another folder, or resume it", setting="resume")
        if not begun and (names - _FIRST or (self.path.exists() and not self.path.is_dir())):
            raise InputError(f"{self.path}: is there already and is no training; name another folder", setting="output")

    @property
    def checkpoint(self) -> Path:
        """The trained weights."""
        return self.path / CHECKPOINT

    def state(self, name: str) -> Path:
        """What the training called ``name`` goes on from."""
        return self.path / f"{name}{_STATE}"

    def remove_states(self) -> None:
        """When all is done."""
        for path in self.path.glob(f"*{_STATE}"):
            path.unlink(missing_ok=True)

    def write_bad(self, bad: Sequence[BadClip], number: int) -> None:
        """``left_out.csv``, and a line in the log."""
        if bad:
            rows = ((str(b.path), b.kind, b.reason) for b in bad)
            self._table(_BAD, ("clip", "kind", "reason"), rows)
            _log.warning(
                "%d of %d clips are left out (%s): see %s",
                len(bad), number, count_kinds(bad), self.path / _BAD,
            )  # fmt: skip

    def begin(self, settings: Mapping[str, Any], data: TrainingData) -> None:
        """``config.json`` and ``clips.csv``."""
        parts = {"train": data.train, "validation": data.validation, **data.tests}
        rows = ((c.name, c.label, c.group, part) for part, clips in parts.items() for c in clips)
        self._table(_CLIPS, ("clip", "label", "group", "part"), rows)
        counts = {part: len(clips) for part, clips in parts.items()} | {"left out": len(data.bad)}
        content = {**settings, "split": data.split, "labels": data.labels, "clips": counts, "leaks": data.leaks}
        self._write(_CONFIG, json.dumps(content, indent=1, default=str).encode())

    def watch(self, epochs: Sequence[Epoch]) -> None:
        """``metrics.csv`` and ``curves.png`` of all epochs so far."""
        rows = (["" if v is None else v for v in astuple(epoch)] for epoch in epochs)
        self._table("metrics.csv", tuple(f.name for f in fields(Epoch)), rows)
        self._write("curves.png", plots.curves(epochs))

    def judge(
        self,
        name: str,
        judgement: Judgement,
        clips: Sequence[LabelledClip],
        probabilities: npt.NDArray[np.floating[Any]],
    ) -> None:
        """Pictures of how ``clips`` were judged; their names begin with that of the test set."""
        report, prefix = judgement.report, name.replace(" ", "_")
        title = f"{name}: accuracy {report.accuracy:.3f}, macro-F1 {report.macro_f1:.3f}"
        self._write(f"{prefix}_confusion.png", plots.confusion(report, title))
        self._write(f"{prefix}_recall.png", plots.recalls(report, title))
        sheet = plots.mistakes(clips, probabilities, report.labels)
        if sheet is not None:
            self._write(f"{prefix}_mistakes.png", sheet)

    def finish(self, judgements: Mapping[str, Judgement], epochs: Sequence[Epoch]) -> None:
        """``report.json``; from here on the training is finished."""
        report = {
            "scores": {name: judgement.to_json() for name, judgement in judgements.items()},
            "epochs": [asdict(epoch) for epoch in epochs],
        }
        self._write(_REPORT, json.dumps(report, indent=1).encode())

    def _table(self, name: str, header: Sequence[str], rows: Any) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        self._write(name, text.getvalue().encode())

    def _write(self, name: str, content: bytes) -> None:
        with write_atomically(self.path / name) as part:
            part.write_bytes(content)
