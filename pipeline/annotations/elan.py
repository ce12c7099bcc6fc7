"""ELAN's annotation format (EAF 3.0, www.mpi.nl/tools/elan/EAFv3.0.xsd).

A tier per player, whose annotations are his actions, from a controlled vocabulary, and a tier per kind of event, whose
annotations say who, and in a second line to whom. Times are whole milliseconds; annotations of a tier never overlap.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count, pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ground.disk.files import write_atomically
from ground.disk.xml import LINE, read_xml
from ground.errors import InputError
from pipeline.annotations.annotation_file import (
    EVENT_SECONDS,
    Annotation,
    AnnotationFile,
    Timed,
    is_event,
    number,
    place_of,
    sorted_annotations,
    timed,
)

ROOT = "ANNOTATION_DOCUMENT"
"""The tag by which such a file is told."""
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_ACTIONS, _EVENTS = "actions", "events"
"""Linguistic types; the first one has a controlled vocabulary of its name."""
_MARK = "'"
"""After the name of a tier of events that is somebody's name, too."""
_TO = "\nto "
"""Between who has the ball and who gets it."""
_TEAM = "team of "
"""How the properties of the header that say somebody's team begin."""


def write_elan(path: Path, file: AnnotationFile) -> tuple[str, ...]:
    """Write a tier per player and per kind of event. Returns notes on what could not be kept."""
    root = Element(ROOT, {
        "AUTHOR": "courtscribe", "DATE": file.made.isoformat(timespec="seconds"), "FORMAT": "3.0", "VERSION": "3.0",
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:noNamespaceSchemaLocation": _SCHEMA,
    })  # fmt: skip
    annotations, short = timed(file.annotations)
    tiers, covered = _tiers(annotations, file.people())
    _add_header(root, file, path)
    slots = _add_slots(root, tiers)
    numbers, entries = count(1), _entries(file.actions())
    for tier in tiers:
        attributes = {"LINGUISTIC_TYPE_REF": tier.kind, "TIER_ID": tier.name}
        parent = SubElement(root, "TIER", attributes | ({"PARTICIPANT": tier.name} if tier.kind == _ACTIONS else {}))
        for span in tier.spans:
            begin, end = next(slots), next(slots)
            references = {"ANNOTATION_ID": f"a{next(numbers)}", "TIME_SLOT_REF1": begin, "TIME_SLOT_REF2": end}
            references |= {"CVE_REF": entries[span.text]} if tier.kind == _ACTIONS else {}
            inner = SubElement(SubElement(parent, "ANNOTATION"), "ALIGNABLE_ANNOTATION", references)
            SubElement(inner, "ANNOTATION_VALUE").text = span.text
    _add_types(root, entries)
    indent(root)
    with write_atomically(path) as part:
        part.write_bytes(b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "utf-8") + b"\n")
    return (*short, *covered)


def read_elan(path: Path, _actions: Collection[str] = ()) -> AnnotationFile:
    """The time-aligned annotations of a file; a tier is of its participant, or else of the player it is called after.

    Tiers that hang on others, and annotations that have no time or no text, are left out.
    Raises InputError, with the line, for what is no such file.
    """
    root = read_xml(path)
    if root.tag != ROOT:
        raise InputError(f"{path}, line {root.get(LINE)}: expected <{ROOT}> of ELAN, not <{root.tag:.40}>")
    unit = root.find("HEADER")
    if unit is not None and unit.get("TIME_UNITS", "milliseconds") != "milliseconds":
        raise InputError(f"{path}, line {unit.get(LINE)}: its times are not in milliseconds; save it with ELAN again")
    times = {slot.get("TIME_SLOT_ID", ""): _time(path, slot) for slot in root.iterfind("TIME_ORDER/TIME_SLOT")}
    found: list[Annotation] = []
    left_out = 0
    for tier in root.iterfind("TIER"):
        for element in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
            annotation = _read_annotation(tier, element, times, f"{path}, line {element.get(LINE)}")
            left_out += annotation is None
            found += [] if annotation is None else [annotation]
    entries = root.iterfind(f"CONTROLLED_VOCABULARY[@CV_ID='{_ACTIONS}']/CV_ENTRY_ML/CVE_VALUE")
    labels = tuple(text for entry in entries if (text := (entry.text or "").strip()) and not is_event(text))
    notes = (f"{number(left_out, 'annotation')} left out, without a time, a text or a player",) if left_out else ()
    return AnnotationFile(sorted_annotations(found), tuple(dict.fromkeys(labels)), teams=_teams(root), notes=notes)


class _Span(NamedTuple):
    """An annotation of a tier, in milliseconds."""

    start: int
    end: int
    text: str


class _Tier(NamedTuple):
    name: str
    kind: str
    """Its linguistic type."""
    spans: Sequence[_Span]
    """Ascending, and apart."""


def _tiers(annotations: Iterable[Timed], people: Sequence[str]) -> tuple[list[_Tier], tuple[str, ...]]:
    """Players' tiers, then those of events, and a note where one annotation covers another whole."""
    spans: dict[tuple[str, str], list[_Span]] = {(player, _ACTIONS): [] for player in people}
    for found, start, end in annotations:
        if found.is_event:
            text = f"{found.player}{_TO}{found.to}" if found.to else found.player
            spans.setdefault((found.action, _EVENTS), []).append(_Span(start, start + 1000 * EVENT_SECONDS, text))
        else:
            spans[found.player, _ACTIONS].append(_Span(start, end, found.action))
    tiers, covered = list[_Tier](), 0
    for (name, kind), some in sorted(spans.items(), key=lambda item: item[0][1]):
        apart = _apart(sorted(some))
        covered += len(some) - len(apart)
        taken = kind == _EVENTS and name in people
        tiers.append(_Tier(f"{name}{_MARK}" if taken else name, kind, apart))
    return tiers, (f"{number(covered, 'annotation')} left out, covered by others of the tier",) if covered else ()


def _apart(spans: Sequence[_Span]) -> list[_Span]:
    """Spans by start, each ended where the next one begins."""
    cut = [a._replace(end=min(a.end, b.start)) for a, b in pairwise(spans)] + list(spans[-1:])
    return [span for span in cut if span.start < span.end]


def _add_header(root: Element, file: AnnotationFile, path: Path) -> None:
    header = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if file.video:
        where, kind = place_of(file.video, path), mimetypes.guess_type(file.video)[0] or "video/mp4"
        media = {"MEDIA_URL": where if "://" in where else Path(file.video).absolute().as_uri(), "MIME_TYPE": kind}
        relative = {} if "/" in where or "\\" in where else {"RELATIVE_MEDIA_URL": f"./{quote(os.fsencode(where))}"}
        SubElement(header, "MEDIA_DESCRIPTOR", media | relative)
    for player, team in file.teams.items():
        SubElement(header, "PROPERTY", {"NAME": f"{_TEAM}{player}"}).text = team


def _add_slots(root: Element, tiers: Sequence[_Tier]) -> Iterator[str]:
    """Add the times of all tiers, in order; returns their names in the order of the tiers' spans, start before end."""
    times = [time for tier in tiers for span in tier.spans for time in (span.start, span.end)]
    names = [""] * len(times)
    order = SubElement(root, "TIME_ORDER")
    for place, at in enumerate(sorted(range(len(times)), key=times.__getitem__), 1):
        names[at] = f"ts{place}"
        SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": names[at], "TIME_VALUE": str(times[at])})
    return iter(names)


def _entries(actions: Sequence[str]) -> dict[str, str]:
    """Names of the vocabulary's entries by action."""
    return {action: f"cve{place}" for place, action in enumerate(a for a in actions if not is_event(a))}


def _add_types(root: Element, entries: Mapping[str, str]) -> None:
    common = {"GRAPHIC_REFERENCES": "false", "TIME_ALIGNABLE": "true"}
    for name, attributes in ((_ACTIONS, {"CONTROLLED_VOCABULARY_REF": _ACTIONS}), (_EVENTS, {})):
        SubElement(root, "LINGUISTIC_TYPE", {**attributes, **common, "LINGUISTIC_TYPE_ID": name})
    language = {"LANG_ID": "und", "LANG_DEF": "http://cdb.iso.org/lg/CDB-00130975-001", "LANG_LABEL": "undetermined"}
    SubElement(root, "LANGUAGE", language)
    vocabulary = SubElement(root, "CONTROLLED_VOCABULARY", {"CV_ID": _ACTIONS})
    SubElement(vocabulary, "DESCRIPTION", {"LANG_REF": "und"}).text = "what players do"
    for action, name in entries.items():
        entry = SubElement(vocabulary, "CV_ENTRY_ML", {"CVE_ID": name})
        SubElement(entry, "CVE_VALUE", {"LANG_REF": "und"}).text = action


def _time(path: Path, slot: Element) -> float | None:
    """Seconds; None: the slot has no time of its own."""
    text = slot.get("TIME_VALUE", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 11):
        raise InputError(f"{path}, line {slot.get(LINE)}: a time is in whole milliseconds, not {text!r:.40}")
    return int(text) / 1000


def _read_annotation(
    tier: Element, element: Element, times: Mapping[str, float | None], where: str
) -> Annotation | None:
    """None for what has no time, no length, no text or no player."""
    references = [element.get(f"TIME_SLOT_REF{end}", "") for end in (1, 2)]
    if not all(reference in times for reference in references):
        raise InputError(f"{where}: refers to a time that is not in the file")
    start, end = (times[reference] for reference in references)
    text, name = element.findtext("ANNOTATION_VALUE", "").strip(), tier.get("TIER_ID", "").strip()
    kind, to = name.removesuffix(_MARK), ""
    if is_event(kind) and not tier.get("PARTICIPANT"):
        player, _, to = text.partition(_TO)
        action = kind
    else:
        player, action = tier.get("PARTICIPANT", "").strip() or name, " ".join(text.split())
    if start is None or end is None or start >= end or not player or not action:
        return None
    try:
        return Annotation(player, action, start, end, to=to)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _teams(root: Element) -> dict[str, str]:
    entries = ((entry.get("NAME", ""), (entry.text or "").strip()) for entry in root.iterfind("HEADER/PROPERTY"))
    return {name.removeprefix(_TEAM): team for name, team in entries if name.startswith(_TEAM) and team}
