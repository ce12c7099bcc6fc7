"""What players spend their time on."""

from __future__ import annotations

from statistics import fmean, stdev

import pytest
from hypothesis import given, settings

from pipeline.analysis.timeline import PERSON, ActionSegment, Timeline
from pipeline.analysis.values import Analysis
from pipeline.outputs.budget import time_budget
from tests.pipeline.annotations.drawn import analyses


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(analyses())
def test_budgets_are_sums_over_the_timeline(analysis: Analysis) -> None:
    timeline = analysis.timeline
    budgets = time_budget(timeline)
    for b in budgets:
        own = [s.end - s.start for s in timeline.segments if (s.track_id, s.action) == (b.track_id, b.action)]
        assert (b.number, b.total, b.mean) == (len(own), pytest.approx(sum(own)), pytest.approx(fmean(own)))
        assert (b.sd is None) if len(own) < 2 else b.sd == pytest.approx(stdev(own))
    for player in {s.track_id for s in timeline.segments}:
        assert sum(b.share for b in budgets if b.track_id == player) == pytest.approx(1)
    assert sum(b.total for b in budgets) == pytest.approx(sum(s.end - s.start for s in timeline.segments))


def test_what_a_person_said_in_the_middle_is_no_second_time() -> None:
    segments = (
        ActionSegment(1, "run", 0.0, 1.0, 0, 25, 0.5), ActionSegment(1, "run", 1.0, 2.0, 25, 50, 1.0, PERSON),
        ActionSegment(1, "run", 3.0, 4.0, 75, 100, 0.5),
    )  # fmt: skip
    (budget,) = time_budget(Timeline(("run",), segments))
    assert (budget.number, budget.total, budget.mean, budget.share) == (2, 3.0, 1.5, 1.0)
