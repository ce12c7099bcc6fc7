"""``serve`` as it is begun: limits that mean something, and no setting that names a file of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.runners.cli import main
from pipeline.runners.video import serve


def test_no_setting_that_is_offered_names_a_file() -> None:
    from pipeline.runners.offered import offered

    left = [field.setting for field in offered() if field.setting not in serve.NOT_OFFERED]
    assert left and not [name for name in left if "weights" in name or "reid" in name or "detector.weights" in name]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--workers", "0"], "workers is to be more than 0"),
        (["--max-upload", "0"], "most upload bytes is to be more than 0"),
        (["--max-upload", "5X"], "no number of bytes"),
        (["--max-minutes", "-1"], "most seconds"),
        (["--port", "70000"], "port 70000 cannot be used"),
        (["--host", "no.such.host.invalid"], "is no address of this machine"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    arguments = ["serve", "--data", str(tmp_path), *flags]
    try:
        code: object = main(arguments)
    except SystemExit as ended:
        code = ended.code
    printed = capsys.readouterr().err
    assert code == 2 and said in printed and printed.count("\n") == 1


@pytest.mark.parametrize(("text", "wanted"), [("5", 5), ("5k", 5000), ("1.5M", 1_500_000), ("20G", 20 * 10**9)])
def test_bytes_are_read_with_their_unit(text: str, wanted: int) -> None:
    assert serve.bytes_of(text) == wanted
