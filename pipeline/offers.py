"""Settings that may be chosen from outside: by a page, or over the network."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ground.errors import InputError


@dataclass(frozen=True, slots=True)
class Field:
    """A setting that may be asked for."""

    setting: str
    """As in ``selection.players``."""
    kind: str
    """``text``, ``names``, ``integer``, ``number``, ``switch``."""
    title: str
    about: str
    choices: tuple[str, ...] = ()
    default: Any = None


_LONGEST, _MOST_NAMES, _LARGEST = 200, 20, (1 << 31) - 1
"""Letters of a text, names of a list, the largest integer."""
_LARGER_THAN_ALL = 10**300
"""What no number is."""
_NO_TEXT = "[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
"""What no text holds: control characters, and halves of letters."""


def nested(settings: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    """Settings by name, as in ``selection.players``, as nested tables. Raises InputError for what is not offered."""
    kinds = {field.setting: field.kind for field in fields}
    tables: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in kinds:
            raise InputError(f"{name!r:.80} is no setting that can be chosen here")
        *groups, last = name.split(".")
        inner = tables
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[last] = _whole(value) if kinds[name] == "integer" else value
    return tables


def require_kinds(settings: Mapping[str, Any], fields: Sequence[Field]) -> None:
    """Raise InputError for a value that is not of its setting's kind, or none of its choices.

    For whoever cannot load what the settings are for; ``with_settings`` of ``pipeline.config`` says more.
    """
    known = {field.setting: field for field in fields}
    for name, value in settings.items():
        field = known[name]
        if not _KINDS[field.kind](value):
            raise InputError(f"{name} is to be of this kind: {field.kind}", name)
        if field.choices and value not in field.choices:
            raise InputError(f"{name} is one of {', '.join(field.choices)}", name)


def toml(settings: Mapping[str, Any]) -> str:
    """Nested settings (names, numbers, texts, lists of texts) as TOML: what JSON writes of them TOML reads."""
    lines = [f"{name} = {_value(value)}" for name, value in settings.items() if not isinstance(value, dict)]
    for group, inner in settings.items():
        if isinstance(inner, dict):
            lines += ["", f"[{group}]", *(f"{k} = {_value(v)}" for k, v in cast("dict[str, Any]", inner).items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """As JSON, but with letters as they are: TOML has no halves of them. It takes DEL as an escape only."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < _LARGER_THAN_ALL
    return isinstance(value, float) and math.isfinite(value)


def _whole(value: Any) -> Any:
    """1.0 is an integer, to JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_integer(value: Any) -> bool:
    value = _whole(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST and re.search(_NO_TEXT, value) is None


def _is_names(value: Any) -> bool:
    names = cast("list[Any]", value) if isinstance(value, list) else None
    return names is not None and len(names) <= _MOST_NAMES and all(map(_is_text, names))


def schema_of(fields: Sequence[Field]) -> dict[str, Any]:
    """What ``require_kinds`` takes, as JSON Schema."""
    text = {"type": "string", "maxLength": _LONGEST, "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"}
    kinds: dict[str, dict[str, Any]] = {
        "text": text,
        "names": {"type": "array", "items": text, "maxItems": _MOST_NAMES},
        "integer": {"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST},
        "number": {"type": "number"},
        "switch": {"type": "boolean"},
    }
    properties = {
        field.setting: {
            **({"type": "string", "enum": list(field.choices)} if field.choices else kinds[field.kind]),
            "description": field.about,
        }
        for field in fields
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


_KINDS: dict[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "names": _is_names,
    "integer": _is_integer,
    "number": _is_number,
    "switch": lambda value: isinstance(value, bool),
}
