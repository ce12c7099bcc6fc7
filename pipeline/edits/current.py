"""An analysis as it is shown: what was found, folded with what a person corrected."""

from __future__ import annotations

from pathlib import Path

from pipeline.analysis.folder import load_analysis
from pipeline.analysis.values import Analysis
from pipeline.edits.fold import fold
from pipeline.edits.log import effective, read_edits


def load_current(folder: Path) -> Analysis:
    """The analysis in ``folder`` with its edits. Raises InputError where either cannot be read."""
    return with_edits(load_analysis(folder), folder)


def with_edits(analysis: Analysis, folder: Path) -> Analysis:
    """``analysis`` with the edits that lie in ``folder``; edits of what is no more are left out with a note."""
    return fold(analysis, effective(read_edits(folder)))
