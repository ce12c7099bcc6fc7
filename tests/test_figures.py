"""The figures of the documents are those of the results that they come from, which say what was measured with what."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pipeline.shipped import WEIGHTS

_ROOT = Path(__file__).resolve().parent.parent
_RESULTS = _ROOT / "benchmarks/results"
_DOCUMENTS = (_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md")))
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
        rf"IDF1 {_N},\s+precision {_N}, recall {_N}, {_N} switches; action accuracy {_N}, macro-F1 {_N}\.",
        "results/real_footage_2.md",
        rf"(?s)IDF1 \| {_N} .*precision \| {_N} .*recall \| {_N} .*switches \| {_N} .*boxes \| {_N} .*occur \| {_N} ",
    ),
    "whole play": (
        rf"right on {_N} of matched boxes, the holder of the ball in {_N} of frames, and landmarks of the court are "
        rf"{_N} m off",
        "results/play.md",
        rf"mean \| nothing \| (?:[\d.]+ \| ){{4}}{_N} \| {_N} \| [\d.]+ \| {_N} ",
    ),
    "seen otherwise": (
        rf"IDF1 is {_N} on average and {_N} at worst, with {_N} switches, action accuracy {_N} and macro-F1 {_N}\.",
        "results/variants.md",
        rf"(?s)(?=.*mean \| {_N} )(?=.*worst \| {_N} )(?=.*mean \| [\d.]+ \| {_N} )"
        rf"(?=.*mean \| (?:[\d.-]+ \| ){{8}}{_N} )(?=.*mean \| (?:[\d.-]+ \| ){{9}}{_N} )",
    ),
    "views of numbers": (
        rf"broadcasts {_N} and {_N} are read right, {_N} and {_N} wrong",
        "results/jersey_numbers.md",
        rf"(?s)(?=.*## IND-NYK: 413 .*?ours \| 0\.5 \| {_N} )(?=.*## NYK-BOS: 318 .*?ours \| 0\.5 \| {_N} )"
        rf"(?=.*## IND-NYK: 413 .*?ours \| 0\.5 \| [\d.]+ \| {_N} )"
        rf"(?=.*## NYK-BOS: 318 .*?ours \| 0\.5 \| [\d.]+ \| {_N} )",
    ),
    "numbers of players": (
        rf"first {_N} right, {_N} wrong, {_N} not; of 10 of the second {_N}, {_N} and {_N}\.",
        "results/jersey_numbers.md",
        rf"(?s)none \| 0\.2 \| read \| [\d.]+ \| \d+ \| {_N} \| {_N} \| {_N} .*"
        rf"none \| 0\.2 \| read \| [\d.]+ \| \d+ \| {_N} \| {_N} \| {_N} ",
    ),
    "numbers after cuts": (
        rf"IDF1 is {_N} with numbers for {_N} on the first and {_N} for {_N} on the second",
        "results/jersey_numbers.md",
        rf"(?s)(?=.*IND-NYK \| [\d.]+ \| {_N} )(?=.*IND-NYK \| {_N} )"
        rf"(?=.*NYK-BOS \| [\d.]+ \| {_N} )(?=.*NYK-BOS \| {_N} )",
    ),
    "exchanges": (
        rf"exchanges of tracklets IDF1 is {_N} for {_N};",
        "results/play.md",
        rf"(?s)(?=.*mean \| exchanges of tracklets \| {_N} )(?=.*mean \| nothing \| {_N} )",
    ),
    "labels by the ball": (
        rf"action accuracy is {_N} for {_N} and macro-F1 {_N} for {_N}\.",
        "results/play.md",
        rf"(?s)(?=.*mean \| who has the ball and whose team, for labels \| (?:[\d.]+ \| ){{8}}{_N} )"
        rf"(?=.*mean \| nothing \| (?:[\d.]+ \| ){{8}}{_N} )"
        rf"(?=.*mean \| who has the ball and whose team, for labels \| (?:[\d.]+ \| ){{9}}{_N} )"
        rf"(?=.*mean \| nothing \| (?:[\d.]+ \| ){{9}}{_N} )",
    ),
    "ball": (
        rf"them the holder is right in {_N} and {_N} of frames",
        "results/ball.md",
        rf"(?s)IND-NYK \| 309 \| {_N} .*NYK-BOS \| 240 \| {_N} ",
    ),
    "cases of the service": (
        rf"Of {_N} requests that schemathesis made up from its description, in all its phases, {_N} were",
        "results/serve.md",
        rf"(?s)cases, in all \| {_N} .*500 or more \| {_N} ",
    ),
    "kills over jobs": (
        rf"Over {_N} jobs there were {_N} kills",
        "results/serve.md",
        rf"(?s)(?=.*how they ended \| {_N}: )(?=.*at most 2 times \| {_N}: )",
    ),
    "jobs done once": (
        rf"at most twice: {_N} were done, each\s+once, and all files of {_N} are equal",
        "results/serve.md",
        rf"(?s)exactly once, by their events \| {_N} .*to the byte \| {_N} ",
    ),
    "demo": (
        rf"on its game, identities IDF1 {_N} and action accuracy {_N}\s",
        "results/demo.md",
        rf"(?s)IDF1 {_N},.*accuracy {_N} over",
    ),
    "worth saying": (rf"speed is heeded, under {_N} ", "results/unsure.md", rf"IND-NYK \| all, as shipped \| {_N} "),
    "speed heeded": (
        rf"lifts accuracy from {_N} to {_N}\.",
        "results/actions.md",
        rf"(?s)real and synthetic clips \| {_N} .*as shipped\*\* \| {_N} \| ",
    ),
    "variants": (
        rf"IDF1 is {_N} on average on the first and {_N} on the second",
        "results/ablation.md",
        rf"(?s)as it comes\*\* \| {_N} .*as it comes\*\* \| {_N} ",
    ),
    "spread": (
        rf"IDF1 was {_N}, {_N} and {_N} on the first broadcast, and {_N}, {_N} and {_N} on the second\.",
        "results/ablation.md",
        rf"(?s)as it comes\*\* \| [\d.]+ \({_N}, {_N}, {_N}\).*as it comes\*\* \| [\d.]+ \({_N}, {_N}, {_N}\)",
    ),
    "fast": (
        rf"`fast` \| {_N}, {_N} \| {_N}, {_N} \|",
        "results/presets.md",
        rf"(?s)NYK \| fast \| [\d.]+ \| [\d.]+ \| {_N} (?=.*BOS \| fast \| [\d.]+ \| [\d.]+ \| {_N} )"
        rf"(?:\| {_N} )(?=.*BOS \| fast \| [\d.]+ \| [\d.]+ \| [\d.]+ \| {_N} )",
    ),
    "seasons": (
        rf"two workers are {_N} times as fast as one, over a local Ray {_N} times",
        "results/seasons.md",
        rf"Two workers are {_N} times as fast as one, over Ray {_N}\. ",
    ),
    "uploads that are killed": (
        rf"service was killed {_N} times and the client {_N} times",
        "results/uploads.md",
        rf"of service, of client \| {_N}, {_N} \|",
    ),
    "uploads": (
        rf"service waits in {_N} MB of memory; with {_N} clients at once, [\w\s,]+ had {_N} MB at most, and {_N} GB "
        rf"in one piece took {_N} MB more",
        "results/uploads.md",
        rf"(?s)that waits \| {_N} MB.*\| {_N} clients at once.*service then; how long all took \| {_N} MB.*"
        rf"\| {_N} GB in one piece.*at most; how long, looked at included \| {_N} MB",
    ),
    "between the passes": (rf"an hour of game take {_N} s", "results/between_passes.md", rf"\*\*all\*\* \| {_N} "),
    "eight bits": (
        rf"AP50 of players {_N}, in float32 {_N},",
        "results/precision.md",
        rf"(?s)(?=.*int8 \| {_N} \| [\d.]+ \| \d+ \|)(?=.*float32 \| {_N} \| [\d.]+ \| \d+ \|)",
    ),
    "boxes only": (
        rf"same boxes on 2026-11-21, had {_N} and {_N} ",
        "results/tracking.md",
        rf"2 hits, IoU 0\.05 \| {_N} \| {_N} ",
    ),
    "ablation": (
        rf"HOTA {_N} and IDF1 {_N}, on the five sequences that were held out {_N} and {_N}\.",
        "results/sport.md",
        rf"filled\*\* (?=.*\| {_N} / {_N} / \d+ \|\n).*\| {_N} / {_N} / \d+ \| [^|]* \|\n",
    ),
    "speed": (rf"1280x720 at {_N} frames per second", "results/end_to_end.md", rf"courtscribe \| [\d.]+ \| {_N} "),
    "ratio": (rf"{_N} times as fast as the plain loop", "results/end_to_end.md", rf"{_N} times as fast"),
    "memory": (rf"takes {_N} % more memory", "results/memory.md", rf"takes \+{_N} ?% memory"),
    "adapt": (rf"labels give macro-F1 {_N} on", "results/adapt.md", rf"\| actions \| 10 \| {_N} "),
    "corrected labels": (
        rf"from macro-F1 {_N} to {_N} and from accuracy {_N} to {_N}, and those of the second broadcast from {_N} to\s+"
        rf"{_N} and from {_N} to {_N} ",
        "results/teach.md",
        r"first half \| 20 \| 72 of 5 \| keep " + rf"\| {_N} → {_N} ± [\d.]+ " * 4,
    ),
    "corrected all over": (
        rf"the rest of it worse: accuracy {_N} became {_N}\. A new last layer .* forgets .*: {_N} became {_N}\.",
        "results/teach.md",
        rf"(?s)(?=.*anywhere \| 20 \| 93 of 5 \| keep \| [\d.]+ → [\d.]+ ± [\d.]+ \| {_N} → {_N} )"
        rf"(?=.*first half \| 20 \| 72 of 5 \| auto \| {_N} → {_N} )",
    ),
    "clips": (
        rf"labels {_N} clips a second in PyTorch, {_N} in OpenVINO, {_N} in INT8",
        "results/classifier.md",
        rf"(?s)(?=.*2plus1d_s \| torch \| FP32 \| cpu \| 8 \| {_N} )"
        rf"(?=.*2plus1d_s \| openvino \| FP32 \| cpu \| 8 \| {_N} )"
        rf"(?=.*2plus1d_s \| openvino \| INT8 \| cpu \| 8 \| {_N} )",
    ),
    "loader": (
        rf"step of 100 ms, two threads keep a GPU waiting for clips for at\s+most {_N} % of it",
        "results/loader.md",
        rf"r2plus1d_18 \| from the disk \| 2 \| 100 \| {_N}%",
    ),
    "for a coach": (
        rf"identities had an IDF1 of {_N} \(",
        "results/real_footage.md",
        rf"\| IDF1 \| {_N} ",
    ),
    "a harder one, for a coach": (
        rf"Of a second, harder one: {_N} and",
        "results/real_footage_2.md",
        rf"\| IDF1 \| {_N} ",
    ),
    "boxes of a hundred": (
        rf"{_N} of 100 boxes had the right",
        "results/real_footage.md",
        rf"boxes \| {_N} ",
    ),
    "boxes of a hundred, harder": (
        rf"harder one: [\d.]+ and {_N} of 100\.",
        "results/real_footage_2.md",
        rf"boxes \| {_N} ",
    ),
    "speed, for a coach": (
        rf"manage about {_N} frames of\s+1280x720 a second",
        "results/end_to_end.md",
        rf"courtscribe \| [\d.]+ \| {_N} ",
    ),
    "torchvision": (rf"r2plus1d_18 labels {_N}\b", "results/classifier.md", rf"eager \| FP32 \| cpu \| 8 \| {_N} "),
    "sports": (
        rf"sixteen sports {_N}, {_N}, {_N}, {_N} and {_N} are told right after 1, 3, 5, 10 and 20 examples of "
        rf"each; by MobileNetV2 {_N} after 20, by the detector's own layers {_N}\.",
        "results/which_sport.md",
        rf"(?s)(?=.*?lite2 \| 1 \| {_N} )(?=.*?lite2 \| 3 \| {_N} )(?=.*?lite2 \| 5 \| {_N} )"
        rf"(?=.*?lite2 \| 10 \| {_N} )(?=.*?lite2 \| 20 \| {_N} )(?=.*?quant \| 20 \| {_N} )"
        rf"(?=.*?detector \| 20 \| {_N} )",
    ),
    "strange sports": (
        rf"an AUROC of {_N}, which is short of the 0\.9 that was aimed at, and pictures of no sport with {_N}\. "
        rf"A picture takes {_N} ms of one core, learning 20 of each of ten sports {_N} s",
        "results/which_sport.md",
        rf"(?s)lite2 \| {_N} \([^)]*\) \| [\d.]+ \([^)]*\) \| {_N} .*lite2 \| {_N} \| {_N} \|",
    ),
    "spoilt sports": (
        rf"of seven, {_N} are told right after 20 examples, and strangers with an AUROC of {_N}\.",
        "results/which_sport.md",
        rf"(?s)lite2 \| 20 \| [\d.]+ \([^)]*\) \| {_N} .*lite2 \| [\d.]+ \([^)]*\) \| {_N} \(",
    ),
    "detector": (
        rf"AP50 {_N} for players, {_N} for referees,\s+{_N} for hoops, {_N} for balls",
        "../weights/manifest.toml",
        rf"(?=.*player {_N},)(?=.*referee {_N},)(?=.*hoop {_N};)(?=.*ball {_N},)",
    ),
    "labels": (
        rf"macro-F1 {_N} and accuracy\s+{_N} by cross-validation over {_N} real clips",
        "../weights/manifest.toml",
        rf"(?=.*macro-F1 {_N},)(?=.*accuracy {_N};)(?=.*over the {_N} real clips)",
    ),
}
"""What is told: where documents say it, the file it comes from, and where that says it; numbers in the same order."""
_OF_A_HUNDRED = {"boxes of a hundred", "boxes of a hundred, harder"}
"""Told in hundredths of what the file says."""


def _numbers(pattern: str, *paths: Path) -> list[list[str]]:
    """The numbers of every place in ``paths`` that ``pattern`` finds; a line may break anywhere in prose."""
    texts = [path.read_text(encoding="utf-8") for path in paths]
    prose = [re.sub(r"(?<![|\n])\n *(?![|\n])", " ", text) for text in texts]
    found = [place.groups() for text in prose for place in re.finditer(pattern, text)]
    assert found, f"{', '.join(path.name for path in paths)}: nothing like {pattern}"
    return [[number.replace(",", "") for number in groups] for groups in found]


@pytest.mark.parametrize("what", _FIGURES)
def test_the_documents_say_what_was_measured(what: str) -> None:
    stated, file, measured = _FIGURES[what]
    found, scale = _numbers(measured, _ROOT / "benchmarks" / file)[0], 100 if what in _OF_A_HUNDRED else 1
    for numbers in _numbers(stated, *_DOCUMENTS):
        assert len(numbers) == len(found)
        for ours, theirs in zip(numbers, found, strict=True):
            decimals = len(ours.partition(".")[2])
            assert abs(float(theirs) * scale - float(ours)) <= 0.5 * 10**-decimals + 1e-9, (
                f"{what}: {ours}, and {file} says {theirs}"
            )


def test_every_result_that_the_documents_point_to_is_compared() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in _DOCUMENTS)
    pointed = set(re.findall(r"benchmarks/(results/\w+\.md)", text))
    assert pointed and pointed <= {file for _, file, _ in _FIGURES.values()}


@pytest.mark.parametrize("path", sorted(_RESULTS.glob("*.md")), ids=lambda path: path.stem)
def test_results_say_what_they_were_measured_with(path: Path) -> None:
    title, _, measured, weights, *_ = path.read_text(encoding="utf-8").splitlines()
    assert title.startswith("# ")
    assert re.match(r"Measured \d{4}-\d\d-\d\d\b.* commit [0-9a-f]{7,}\b.*, on \S", measured), measured
    assert weights.startswith("Weights: ")
    manifest = tomllib.loads((WEIGHTS / "manifest.toml").read_text(encoding="utf-8"))
    digests = dict(re.findall(r"([\w.]+) ([0-9a-f]{64})", weights))
    assert digests or weights == "Weights: none."
    same = {name: (facts["sha256"], facts.get("same_to_the_bit_as")) for name, facts in manifest.items()}
    others = [name for name, digest in digests.items() if name in same and digest not in same[name]]
    assert not others or "of earlier weights" in weights, f"{path.name}: not of the {', '.join(others)} that ship"
