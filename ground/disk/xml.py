"""XML as other programs save it: every element knows its line, and what could harm is refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from ground.disk.files import read_bytes
from ground.errors import InputError

LINE = "line"
"""The attribute that every element gets: where it begins, from 1."""
_UTF16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
"""Encodings by a file's first two bytes. Programs that save in UTF-16 often declare another encoding."""


def read_xml(path: Path, *, finished: Callable[[Element], None] | None = None) -> Element:
    """The root of an XML file.

    finished: told of each element when it is whole; it may empty it, so that a long file takes little memory.
    Raises InputError, with the line, for what is no XML, and for a DOCTYPE: entities are declared there, and a few of
    them can fill the memory.
    """
    parser, builder = expat.ParserCreate(), TreeBuilder()

    def start(tag: str, attributes: dict[str, str]) -> None:
        builder.start(tag, attributes | {LINE: str(parser.CurrentLineNumber)})

    def end(tag: str) -> None:
        element = builder.end(tag)
        if finished is not None:
            finished(element)

    def refuse(*_: object) -> None:
        raise InputError(f"{path}, line {parser.CurrentLineNumber}: has a DOCTYPE, which no file of its kind has")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        _feed(path, parser)
        return builder.close()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except expat.ExpatError as error:
        raise InputError(f"{path}, line {error.lineno}: not XML ({expat.ErrorString(error.code)})") from error
    except InputError:
        raise
    except (LookupError, ValueError) as error:  # an encoding that is none
        raise InputError(f"{path}, line {parser.CurrentLineNumber}: not XML ({error!s:.120})") from error


def first_tag(head: bytes) -> str:
    """The name of the root of an XML file that begins with ``head``; empty where it cannot be told."""
    names: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, _attributes: names.append(tag)
    encoding = _UTF16.get(head[:2])
    with suppress(expat.ExpatError, LookupError, ValueError):  # what comes after the root's name does not matter
        parser.Parse(head if encoding is None else head[: len(head) // 2 * 2].decode(encoding, "ignore"))
    return names[0] if names else ""


def _feed(path: Path, parser: expat.XMLParserType) -> None:
    with path.open("rb") as file:
        encoding = _UTF16.get(file.read(2))
        if encoding is None:
            file.seek(0)
            parser.ParseFile(file)
            return
    parser.Parse(read_bytes(path).decode(encoding).removeprefix("\ufeff"), True)
