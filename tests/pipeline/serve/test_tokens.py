"""A token lets in whoever has all of it, and is nowhere to be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.runners.cli import main
from pipeline.serve.database import Database
from pipeline.serve.tokens import TOKENS_SCHEMA, Tokens


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return Tokens(Database(tmp_path_factory.mktemp("tokens"), TOKENS_SCHEMA))


@pytest.fixture(scope="module")
def token(tokens: Tokens) -> str:
    return tokens.add("one", ["read"], most_bytes=5, most_jobs=2, most_minutes=1.5)


def test_a_token_finds_what_it_may(tokens: Tokens, token: str) -> None:
    caller = tokens.find(token)
    assert caller is not None and (caller.name, caller.scopes) == ("one", frozenset({"read"}))
    assert (caller.most_bytes, caller.most_jobs, caller.most_minutes) == (5, 2, 1.5)


@given(st.data())
def test_no_other_text_finds_anything(tokens: Tokens, token: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(token)))
    width = data.draw(st.integers(0, 3))
    other = token[:place] + data.draw(st.text(max_size=4)) + token[place + width :]
    assert (tokens.find(other) is not None) == (other == token)


@given(st.text())
def test_texts_that_are_no_tokens_find_nothing(tokens: Tokens, text: str) -> None:
    assert tokens.find(text) is None


def test_the_disk_holds_no_token(tmp_path: Path) -> None:
    database = Database(tmp_path, TOKENS_SCHEMA)
    secret = Tokens(database).add("one").split("_", 2)[2]
    database.close()
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert files and not any(secret.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("what", [["list"], ["revoke", "ann"]])
def test_a_mistyped_folder_is_said_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: list[str]
) -> None:
    assert main(["token", *what, "--data", str(tmp_path / "typo")]) == 2
    assert "is no folder of a service" in capsys.readouterr().err and not any(tmp_path.iterdir())


def test_the_command_adds_lists_and_revokes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    assert (
        main(["token", "add", "Ann", *data, "--scopes", "read", "--bytes", "5G", "--jobs", "3", "--minutes", "90"]) == 0
    )
    token = capsys.readouterr().out.strip()
    caller = Tokens(Database(tmp_path, TOKENS_SCHEMA)).find(token)
    assert caller is not None
    assert (caller.most_bytes, caller.most_jobs, caller.most_minutes) == (5 * 10**9, 3, 90.0)
    assert main(["token", "list", *data]) == 0
    listed = capsys.readouterr().out
    assert caller.token_id in listed and "Ann: read, 5 GB, 3 jobs, 90 minutes" in listed
    assert token.split("_", 2)[2] not in listed
    assert main(["token", "revoke", "Ann", *data]) == 0
    assert Tokens(Database(tmp_path, TOKENS_SCHEMA)).find(token) is None
    assert main(["token", "revoke", "Ann", *data]) == 2


@pytest.mark.parametrize(("name", "scopes"), [("", ["read"]), ("x\n", ["read"]), ("x", []), ("x", ["all"])])
def test_what_makes_no_sense_is_refused(tokens: Tokens, name: str, scopes: list[str]) -> None:
    with pytest.raises(InputError):
        tokens.add(name, scopes)
    with pytest.raises(InputError):
        tokens.add("x", most_jobs=-1)


def test_a_name_is_one_tokens(tokens: Tokens) -> None:
    tokens.add("twice")
    with pytest.raises(InputError, match="there is a token of this name"):
        tokens.add("twice")
