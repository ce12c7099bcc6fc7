"""What tus 1.0 says in headers, read and written."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from email.utils import formatdate

from fastapi import Request, Response

from pipeline.serve.appending import ALGORITHMS
from pipeline.serve.problem import Problem
from pipeline.serve.videos import Video

VERSION = "1.0.0"
_LONGEST_METADATA = 4096
_MOST_DIGITS = 19
"""Of a number of bytes."""


def read_metadata(given: str) -> dict[str, str]:
    """What ``Upload-Metadata`` says. Raises Problem."""
    if len(given) > _LONGEST_METADATA:
        raise Problem(400, f"Upload-Metadata may have {_LONGEST_METADATA} letters")
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in given.split(","))):
        key, _, value = pair.partition(" ")
        try:
            text = base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise Problem(400, "Upload-Metadata holds pairs of a key and a value in Base64") from error
        found[key] = text
    return found


def checksum_of(request: Request) -> tuple[str, bytes] | None:
    """What ``Upload-Checksum`` says: algorithm and digest; None where nothing. Raises Problem (400)."""
    given = request.headers.get("upload-checksum")
    if given is None:
        return None
    algorithm, _, value = given.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise Problem(400, f"a checksum is one of {', '.join(ALGORITHMS)}")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != hashlib.new(algorithm).digest_size:
        raise Problem(400, "Upload-Checksum is the name of an algorithm and a digest in Base64")
    return algorithm, digest


def number_of(request: Request, header: str) -> int:
    """The number of bytes that a header says. Raises Problem (400)."""
    given = request.headers.get(header, "").strip()
    if not (given.isascii() and given.isdecimal() and len(given) < _MOST_DIGITS):
        raise Problem(400, f"{header.title()} is missing, or no number of bytes")
    return int(given)


def require_version(request: Request) -> None:
    """Raise Problem (412) for another version of the protocol than ours, and where none is named."""
    if request.headers.get("tus-resumable") != VERSION:
        raise Problem(412, f"uploads speak tus {VERSION}: send Tus-Resumable: {VERSION}", {"Tus-Version": VERSION})


def kind_of(request: Request) -> str:
    """The kind of content that a request brings, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def until(video: Video) -> str:
    """When an upload expires, as headers say it."""
    return formatdate(video.expires, usegmt=True)


def answer_tus(status: int, headers: Mapping[str, str]) -> Response:
    """An answer without a body, as tus has it."""
    return Response(status_code=status, headers={"Tus-Resumable": VERSION, **headers})
