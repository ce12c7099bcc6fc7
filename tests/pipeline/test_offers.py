"""Settings chosen from outside: only those offered, only of their kind, and read back as they were chosen."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import fastjsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.config import PipelineConfig
from pipeline.offers import Field, nested, require_kinds, schema_of, toml
from pipeline.runners.offered import offered

_FIELDS = tuple(offered())
_ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(max_size=3), max_size=3),
    st.just({}), st.sampled_from(["fast", "nba", "x" * 201, "\x7f", "\ud800"]), st.just(["x"] * 21),
)  # fmt: skip
_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
_OF_KIND: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXT,
    "names": st.lists(_TEXT, max_size=5),
    "integer": st.integers(-1000, 1000),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "switch": st.booleans(),
}


def _of_kind(field: Field) -> st.SearchStrategy[Any]:
    return st.sampled_from(field.choices) if field.choices else _OF_KIND[field.kind]


def test_defaults_are_those_of_an_analysis() -> None:
    for field in _FIELDS:
        value: Any = PipelineConfig()
        for name in field.setting.split("."):
            value = getattr(value, name)
        assert field.default == (list(value) if isinstance(value, tuple) else value), field.setting


@pytest.mark.slow
@given(st.fixed_dictionaries({}, optional={field.setting: _of_kind(field) for field in _FIELDS}))
def test_what_is_chosen_is_what_a_file_of_settings_says(chosen: dict[str, Any]) -> None:
    require_kinds(chosen, _FIELDS)
    tables = nested(chosen, _FIELDS)
    assert tomllib.loads(toml(tables)) == tables
    flat = {f.setting: _at(tables, f.setting) for f in _FIELDS if _at(tables, f.setting) is not None}
    assert flat == chosen


def _at(tables: Any, setting: str) -> Any:
    for name in setting.split("."):
        tables = tables.get(name) if isinstance(tables, dict) else None
    return tables


@given(st.sampled_from(_FIELDS), _ANYTHING)
def test_the_schema_says_what_is_taken(field: Field, value: Any) -> None:
    try:
        require_kinds({field.setting: value}, _FIELDS)
        is_taken = True
    except InputError:
        is_taken = False
    try:
        _IS_VALID({field.setting: value})
        is_valid = True
    except fastjsonschema.JsonSchemaValueException:
        is_valid = False
    is_odd = value in ("\ud800",) or (isinstance(value, float) and not -1e308 < value < 1e308)
    is_odd |= field.kind == "integer" and isinstance(value, (int, float)) and abs(value) > 1 << 31
    assert is_taken == is_valid or (is_odd and not is_taken)


_IS_VALID: Any = fastjsonschema.compile(schema_of(_FIELDS))


@given(st.text())
def test_nothing_else_is_taken(name: str) -> None:
    if name not in {field.setting for field in _FIELDS}:
        with pytest.raises(InputError, match="no setting that can be chosen here"):
            nested({name: 1}, _FIELDS)


def test_choices_are_the_only_ones() -> None:
    field = replace(_FIELDS[0], setting="x", choices=("a", "b"))
    require_kinds({"x": "a"}, [field])
    with pytest.raises(InputError, match="one of a, b"):
        require_kinds({"x": "c"}, [field])
