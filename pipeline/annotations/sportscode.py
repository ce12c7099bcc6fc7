"""Hudl Sportscode's XML edit list, which Nacsport, LongoMatch, Wyscout and others take as well.

An instance per annotation: a code (the row of the timeline that it stands in), start, end, and labels, each a text in
a group. ``ROWS`` gives each code its colour, 0..65535. Our groups are player, action, team, confidence, source and to;
lead and lag say how many seconds of an instance are before and after what it is about, so that it can be read back.
"""

from __future__ import annotations

import colorsys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ground.disk.files import write_atomically
from ground.disk.xml import LINE, read_xml
from ground.errors import InputError
from pipeline.analysis.timeline import PERSON
from pipeline.annotations.annotation_file import (
    EVENT_SECONDS,
    Annotation,
    AnnotationFile,
    Color,
    Timed,
    in_order,
    milliseconds,
    number,
    seconds,
    sorted_annotations,
    timed,
)

ROOT = "file"
"""The tag by which such a file is told."""
CODES = ("player", "action")
_BRIGHT = 257
"""From 0..255 to 0..65535."""
_GREY: Color = (150, 150, 150)
_TURN = 0.618034
"""Of a circle of hues, from one action to the next: the golden section keeps neighbours apart."""
_LONGEST_PAD = 600.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """How instances are cut."""

    code: str = "player"
    """What gets a row of its own: ``player`` or ``action``; the other one is a label."""
    lead: float = 0.0
    """Seconds shown before."""
    lag: float = 0.0
    """Seconds shown after."""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise InputError(f"a code is {' or '.join(CODES)}, not {self.code!r:.40}", "code")
        for name, value in (("lead", self.lead), ("lag", self.lag)):
            if not 0 <= value <= _LONGEST_PAD:
                raise InputError(f"{name} is 0 to {_LONGEST_PAD:g} s, not {value:g}", name)


def write_sportscode(path: Path, file: AnnotationFile, cutting: Cutting | None = None) -> tuple[str, ...]:
    """Write an instance per annotation, in ASCII, which every reader takes. Returns notes on what could not be kept."""
    cutting, root = cutting or Cutting(), Element(ROOT)
    instances, rows = SubElement(root, "ALL_INSTANCES"), SubElement(root, "ROWS")
    annotations, notes = timed(file.annotations)
    for place, found in enumerate(annotations, 1):
        _add_instance(instances, place, found, file.duration, cutting)
    for place, (code, color) in enumerate(_rows(file, cutting.code), 1):
        row = SubElement(rows, "row")
        parts = [("sort_order", place), ("code", code), *zip("RGB", (_BRIGHT * part for part in color), strict=True)]
        for tag, value in parts:
            SubElement(row, tag).text = str(value)
    indent(root)
    with write_atomically(path) as part:
        part.write_bytes(b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "us-ascii") + b"\n")
    return notes


def read_sportscode(path: Path, actions: Collection[str] = ()) -> AnnotationFile:
    """The instances of a file, however other programs write them: decimal commas, UTF-16, labels without groups.

    actions: what may be called an action; where no group says which is which, it tells players and actions apart.
    Raises InputError, with the line, for what is no such file, and where no instance says who does what.
    """
    root = read_xml(path)
    if root.tag != ROOT or root.find("ALL_INSTANCES") is None:
        raise InputError(f"{path}, line {root.get(LINE)}: expected <file> with <ALL_INSTANCES>, not <{root.tag:.40}>")
    instances = list(root.iterfind("ALL_INSTANCES/instance"))
    known = {action.strip().casefold() for action in actions}
    read = [_read_instance(instance, known, f"{path}, line {instance.get(LINE)}") for instance in instances]
    found = [annotation for annotation in read if annotation is not None]
    if instances and not found:
        raise InputError(
            f"{path}: none of {number(len(instances), 'instance')} says who does what; give labels the groups player "
            "and action"
        )
    left_out = len(instances) - len(found)
    notes = (f"{number(left_out, 'instance')} left out, which do not say who does what when",) if left_out else ()
    teams = {a.player: a.team for a in found if a.team}
    return AnnotationFile(sorted_annotations(found), teams=teams, notes=notes)


def _add_instance(parent: Element, place: int, one: Timed, duration: float, cutting: Cutting) -> None:
    found, length = one.annotation, 1000 * EVENT_SECONDS if one.annotation.is_event else one.end - one.start
    start = max(0, one.start - milliseconds(cutting.lead))
    end = one.start + length + milliseconds(cutting.lag)
    end = max(one.end, min(end, milliseconds(duration))) if duration else end
    instance = SubElement(parent, "instance")
    code, other = (getattr(found, name) for name in (cutting.code, _other(cutting.code)))
    for tag, text in (("ID", str(place)), ("start", _decimal(start)), ("end", _decimal(end)), ("code", code)):
        SubElement(instance, tag).text = text
    labels = [(_other(cutting.code), other), ("team", found.team), ("to", found.to)]
    labels += [("source", PERSON)] if found.source == PERSON else []
    if found.confidence is not None:
        labels.append(("confidence", f"{found.confidence:.3f}"))
    after = 0 if found.is_event else end - one.end
    labels += [(name, _decimal(pad)) for name, pad in (("lead", one.start - start), ("lag", after)) if pad]
    for group, text in labels:
        if text:
            label = SubElement(instance, "label")
            SubElement(label, "group").text, SubElement(label, "text").text = group, text


def _decimal(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _other(code: str) -> str:
    return CODES[1 - CODES.index(code)]


def _rows(file: AnnotationFile, code: str) -> Iterable[tuple[str, Color]]:
    if code == "player":
        return [(player, file.colors.get(player, _GREY)) for player in file.people()]
    return [(action, _hue(place)) for place, action in enumerate(file.actions())]


def _hue(place: int) -> Color:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(place * _TURN % 1.0, 0.65, 0.9))
    return red, green, blue


def _read_instance(instance: Element, actions: set[str], where: str) -> Annotation | None:
    """None where it does not say who does what, or has no length."""
    code, labels = _text(instance, "code"), _labels(instance)
    try:
        start, end = (seconds(_text(instance, tag)) for tag in ("start", "end"))
        lead, lag = (seconds(labels[group][0]) if group in labels else 0.0 for group in ("lead", "lag"))
        confidence = float(labels["confidence"][0].replace(",", ".")) if "confidence" in labels else None
    except ValueError as error:
        raise InputError(f"{where}: expected an instance with start, end and code ({error!s:.80})") from error
    player, action = _who_what(code, labels, actions)
    if not player or not action or start + lead >= end - lag:
        return None
    if confidence is not None and not 0 <= confidence <= 1:
        confidence = None
    team, to, source = ((*labels.get(group, ()), "")[0] for group in ("team", "to", "source"))
    try:
        return Annotation(
            player, action, start + lead, end - lag, confidence=confidence, team=team, source=source, to=to
        )
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _labels(instance: Element) -> Mapping[str, Sequence[str]]:
    """Texts by group, in lower case; those without one are in the group ""."""
    labels: dict[str, list[str]] = {}
    for label in instance.iterfind("label"):
        text = _text(label, "text") or (label.text or "").strip()
        if text:
            labels.setdefault(_text(label, "group").casefold(), []).append(text)
    return labels


def _who_what(code: str, labels: Mapping[str, Sequence[str]], actions: set[str]) -> tuple[str, str]:
    """Player and action of an instance; one is empty where it cannot be told."""
    if "player" in labels or "action" in labels:
        player, action = ((*labels.get(group, ()), code)[0] for group in CODES)
        return player, action
    texts = [text for group in in_order(labels, ("",)) for text in labels.get(group, ())]
    if code.casefold() in actions:
        return next((text for text in texts if text.casefold() not in actions), ""), code
    return code, next((text for text in texts if text.casefold() in actions), "")


def _text(element: Element, tag: str) -> str:
    return element.findtext(tag, "").strip()
