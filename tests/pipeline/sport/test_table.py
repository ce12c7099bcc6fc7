"""The table of sports: every name leads to one id, and what is odd in a file of one's own is a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ground.errors import InputError
from pipeline.sport.table import find_sport, name_sports, read_table


def test_every_id_name_and_tag_of_the_shipped_table_leads_to_its_sport() -> None:
    table = read_table()
    for sport in table.values():
        for word in (sport.id, sport.name, sport.name.upper().replace(" ", "_"), *sport.tags):
            assert find_sport(word, table) == sport
    assert find_sport("Baseball", table).id == "74"  # type: ignore[union-attr]


def test_sports_that_no_table_has_get_ids_that_are_free_and_stay() -> None:
    table = read_table()
    once, twice = (name_sports(names, table) for names in (["kabaddi", "tennis"], ["tennis", "kabaddi"]))
    assert once == twice and once["kabaddi"].id not in table and once["kabaddi"].name == "Kabaddi"
    with pytest.raises(InputError, match="both Soccer"):
        name_sports(["football", "soccer"], table)


def test_a_table_of_ones_own_adds_renames_and_wins(tmp_path: Path) -> None:
    own, shipped = tmp_path / "sports.csv", read_table()
    own.write_text("id,name,tags\nk1,Kabaddi,\n74,Rounders,\n5000,Soccer,\nx,Paddle,archery\n")
    table = read_table(own)
    assert {table[i].name for i in ("k1", "74", "x")} == {"Kabaddi", "Rounders", "Paddle"}
    assert [s.id for s in table.values() if s.name == "Soccer"] == ["5000"]
    assert len(table) == len(shipped) + 2, "one renamed, one with another id"
    assert find_sport("Kabaddi", table) == table["k1"] and find_sport("golf", table) == find_sport("golf", shipped)


@pytest.mark.parametrize(
    "lines", ["", "1,,", ",Golf,", "0,Golf,", "1,Golf,\n1,Polo,", "1,Golf,\n2,golf,", "1,Golf,x\n2,Polo,X", "a b,Golf,"]
)
def test_an_odd_table_is_a_line(tmp_path: Path, lines: str) -> None:
    (tmp_path / "sports.csv").write_text(f"id,name,tags\n{lines}\n")
    with pytest.raises(InputError):
        read_table(tmp_path / "sports.csv")
