"""The figures of the README are those of the files that they come from, and these say what they were measured with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pipeline.shipped import WEIGHTS

_ROOT = Path(__file__).resolve().parent.parent
_RESULTS = _ROOT / "benchmarks/results"
_N = r"\**([\d,]*\.?\d+)\**"
"""A number as it stands in a table or a sentence."""
_FIGURES = {
    "identities": (rf"\| IDF1 \| {_N} ", "results/real_footage.md", rf"\| IDF1 \| {_N} "),
    "precision": (rf"\| precision \| {_N} ", "results/real_footage.md", rf"\| precision \| {_N} "),
    "recall": (rf"\| recall \| {_N} ", "results/real_footage.md", rf"\| recall \| {_N} "),
    "switches": (rf"\| identity switches \| {_N} ", "results/real_footage.md", rf"\| identity switches \| {_N} "),
    "actions": (
        rf"action accuracy, over {_N} of the {_N} boxes with a clear label \| {_N} ",
        "results/real_footage.md",
        rf"action accuracy, over {_N} of {_N} boxes \| {_N} ",
    ),
    "macro-F1": (rf"actions that occur \| {_N} ", "results/real_footage.md", rf"actions that occur \| {_N} "),
    "segments": (rf"0\.5 \| {_N}, {_N}, {_N} ", "results/real_footage.md", rf"0\.5 \| {_N} / {_N} / {_N} "),
    "another broadcast": (
        rf"IDF1 {_N}, precision {_N},\s+recall {_N}, {_N} switches; action accuracy {_N}, macro-F1 {_N}\.",
        "results/real_footage_2.md",
        rf"(?s)IDF1 \| {_N} .*precision \| {_N} .*recall \| {_N} .*switches \| {_N} .*boxes \| {_N} .*occur \| {_N} ",
    ),
    "demo": (
        rf"on its game, identities IDF1 {_N} and action accuracy {_N}\.",
        "results/demo.md",
        rf"(?s)IDF1 {_N},.*accuracy {_N} over",
    ),
    "worth saying": (rf"speed is heeded, under {_N} ", "results/unsure.md", rf"IND-NYK \| all, as shipped \| {_N} "),
    "speed heeded": (
        rf"lifts accuracy from {_N} to {_N}\.",
        "results/actions.md",
        rf"(?s)real and synthetic clips \| {_N} .*as shipped\*\* \| {_N} \| ",
    ),
    "variants": (rf"IDF1 is {_N} on average", "results/pictures.md", rf"as it comes\*\* \| {_N} "),
    "spread": (
        rf"IDF1 lies between {_N} and {_N}\.",
        "results/pictures.md",
        rf"as it comes\*\* \| [\d.]+ \({_N} to {_N}\)",
    ),
    "boxes only": (
        rf"HOTA {_N}\s+and IDF1 {_N}, where the best public tracker in the same run has {_N} and {_N} ",
        "results/tracking.md",
        rf"(?s)filled\*\* \| {_N} \| {_N} .*2 hits, IoU 0\.05 \| {_N} \| {_N} ",
    ),
    "ablation": (rf"HOTA {_N}\s+and IDF1 {_N}", "results/sport.md", rf"filled\*\* .*\| {_N} / {_N} / \d+ \|\n"),
    "speed": (rf"1280x720 at {_N} frames per second", "results/end_to_end.md", rf"courtscribe \| [\d.]+ \| {_N} "),
    "ratio": (rf"{_N} times as fast as the plain loop", "results/end_to_end.md", rf"{_N} times as fast"),
    "memory": (rf"takes {_N} % more memory", "results/memory.md", rf"takes \+{_N} ?% memory"),
    "adapt": (rf"labels give macro-F1 {_N} on", "results/adapt.md", rf"\| actions \| 10 \| {_N} "),
    "clips": (
        rf"labels {_N} clips a second in PyTorch, {_N} in OpenVINO, {_N} in INT8",
        "results/classifier.md",
        rf"(?s)(?=.*2plus1d_s \| torch \| FP32 \| cpu \| 8 \| {_N} )"
        rf"(?=.*2plus1d_s \| openvino \| FP32 \| cpu \| 8 \| {_N} )"
        rf"(?=.*2plus1d_s \| openvino \| INT8 \| cpu \| 8 \| {_N} )",
    ),
    "torchvision": (rf"r2plus1d_18 labels {_N}\b", "results/classifier.md", rf"eager \| FP32 \| cpu \| 8 \| {_N} "),
    "detector": (
        rf"AP50 {_N} for players, {_N} for referees, {_N} for hoops, {_N} for balls",
        "../weights/manifest.toml",
        rf"(?=.*player {_N},)(?=.*referee {_N},)(?=.*hoop {_N};)(?=.*ball {_N},)",
    ),
    "labels": (
        rf"macro-F1 {_N} and accuracy\s+{_N} by cross-validation over {_N} real clips",
        "../weights/manifest.toml",
        rf"(?=.*macro-F1 {_N},)(?=.*accuracy {_N};)(?=.*over the {_N} real clips)",
    ),
}
"""What is told: where the README says it, the file it comes from, and where that says it; numbers in the same order."""


def _numbers(pattern: str, path: Path) -> list[str]:
    found = re.search(pattern, path.read_text(encoding="utf-8"))
    assert found is not None, f"{path.name}: nothing like {pattern}"
    return [number.replace(",", "") for number in found.groups()]


@pytest.mark.parametrize("what", _FIGURES)
def test_the_readme_says_what_was_measured(what: str) -> None:
    said, file, measured = _FIGURES[what]
    told, found = _numbers(said, _ROOT / "README.md"), _numbers(measured, _ROOT / "benchmarks" / file)
    assert len(told) == len(found)
    for ours, theirs in zip(told, found, strict=True):
        decimals = len(ours.partition(".")[2])
        assert abs(float(theirs) - float(ours)) <= 0.5 * 10**-decimals + 1e-9, (
            f"{what}: {ours}, and {file} says {theirs}"
        )


def test_every_result_that_the_readme_points_to_is_compared() -> None:
    pointed = set(re.findall(r"benchmarks/(results/\w+\.md)", (_ROOT / "README.md").read_text(encoding="utf-8")))
    assert pointed and pointed <= {file for _, file, _ in _FIGURES.values()}


@pytest.mark.parametrize("path", sorted(_RESULTS.glob("*.md")), ids=lambda path: path.stem)
def test_results_say_what_they_were_measured_with(path: Path) -> None:
    title, _, measured, weights, *_ = path.read_text(encoding="utf-8").splitlines()
    assert title.startswith("# ")
    assert re.match(r"Measured \d{4}-\d\d-\d\d\b.* commit [0-9a-f]{7,}\b.*, on \S", measured), measured
    assert weights.startswith("Weights: ")
    manifest = tomllib.loads((WEIGHTS / "manifest.toml").read_text(encoding="utf-8"))
    told = dict(re.findall(r"([\w.]+) ([0-9a-f]{64})", weights))
    assert told or weights == "Weights: none."
    others = [name for name, digest in told.items() if name in manifest and manifest[name]["sha256"] != digest]
    assert not others or "of earlier weights" in weights, f"{path.name}: not of the {', '.join(others)} that ship"
