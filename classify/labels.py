"""What an action may be called."""

from __future__ import annotations

from collections.abc import Iterable

from ground.errors import InputError

RESERVED = frozenset({"unsure", "unlabelled"})
"""Words that the program uses itself where no label is given, in lower case: a timeline's, and CVAT's."""
_LONGEST = 80
"""Characters; a longer one cannot be shown in a line."""
_FORMULA = ("=", "+", "-", "@")
"""How what a spreadsheet calculates begins; labels are written to CSV files."""


def check_label(label: str) -> None:
    """Raises InputError for a label that cannot be shown in a line, or that means something else here."""
    if not label.isprintable() or not label.strip() or len(label) > _LONGEST:
        raise InputError(f"a label is one line of up to {_LONGEST} characters, not {label[:_LONGEST]!r}")
    if label.strip().casefold() in RESERVED:
        raise InputError(f"{label!r} is what this program says where there is no label; call the label something else")
    if label.lstrip().startswith(_FORMULA):
        raise InputError(f"{label!r} would be a formula in a spreadsheet; call the label something else")


def check_label_set(labels: Iterable[str]) -> None:
    """Raises InputError as ``check_label``, and for a label that is there twice, but for capitals."""
    seen: dict[str, str] = {}
    for label in labels:
        check_label(label)
        known = label.strip().casefold()
        if known in seen:
            raise InputError(f"labels must be different, and {seen[known]!r} and {label!r} are the same")
        seen[known] = label
