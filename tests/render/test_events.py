"""The log of a listener."""

import time
from collections.abc import Iterator

import pytest
from render_samples import Shown, pipe, terminal

from dcmnet_cli.ops.results import ListenEvent
from dcmnet_cli.render.events import show_event

AT = 1700000000.25  # 2023-11-14 22:13:20 UTC


@pytest.fixture(autouse=True)
def _india(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def event(name: str, peer: str, calling: str, detail: str) -> ListenEvent:
    return ListenEvent(name, AT, peer, calling, "INBOX", detail, {})


def show(output: Shown, *events: ListenEvent) -> str:
    for one in events:
        show_event(one, output)
    return output.stdout


def test_people_get_columns() -> None:
    assert show(
        terminal(),
        event("listening", "", "", "INBOX on [::]:11112 · any calling title"),
        event("association", "10.20.9.40:50012", "CTROOM2", "27 of 27 contexts accepted"),
        event("not_dicom", "[fe80::7]:50013", "", '"GET /", closed'),
        event("echo", "10.20.9.140:9", "A_LONG_TITLE_16C", ""),
    ).splitlines() == [
        "03:43:20  listening  INBOX on [::]:11112 · any calling title",
        "03:43:20  CTROOM2     10.20.9.40      association  27 of 27 contexts accepted",
        '03:43:20  -           [fe80::7]       not dicom    "GET /", closed',
        "03:43:20  A_LONG_TITLE_16C  10.20.9.140     echo",
    ]


def test_a_long_detail_stays_in_its_column() -> None:
    detail = "study ...88.77: 412 stored, 216 MB, 118 files/s, 4.6 MB/s"
    came = event("received", "10.20.9.40:50012", "CTROOM2", detail)
    assert show(terminal({"NO_COLOR": "1", "COLUMNS": "80"}), came).splitlines() == [
        "03:43:20  CTROOM2     10.20.9.40      received     study ...88.77: 412 stored,",
        f"{'':51}216 MB, 118 files/s, 4.6 MB/s",
    ]
    narrow = show(terminal({"NO_COLOR": "1", "COLUMNS": "60"}), came).splitlines()
    assert narrow[1].startswith(f"{'':10}...88.77:")
    assert max(map(len, narrow)) <= 60


def test_a_pipe_gets_cells() -> None:
    assert show(
        pipe(),
        event("association", "10.20.9.40:50012", "CTROOM2", "27 of 27\ncontexts"),
        event("not_dicom", "[fe80::7]:50013", "", ""),
    ).splitlines() == [
        "2023-11-15T03:43:20.250+05:30\tCTROOM2\t10.20.9.40:50012\tassociation\t27 of 27; contexts",
        "2023-11-15T03:43:20.250+05:30\t-\t[fe80::7]:50013\tnot_dicom\t-",
    ]


def test_a_title_cannot_forge_a_line_or_a_cell() -> None:
    for output in (terminal(), pipe()):
        text = show(output, event("association", "10.0.0.1:4", "X\n03:43:20\tCT\x1b[2J", "fine"))
        assert text.count("\n") == 1
        assert r"X\x0a03:43:20\x09CT\x1b[2J" in text


def test_trouble_is_coloured_and_routine_is_not() -> None:
    text = show(
        terminal({"TERM": "xterm"}),
        event("rejected", "10.0.0.1:4", "X", "unknown calling title"),
        event("stored", "10.0.0.1:4", "X", "CT Image"),
    )
    first, second = text.splitlines()
    assert first.startswith("\x1b[33m")
    assert first.endswith("\x1b[0m")
    assert "\x1b" not in second


def test_quiet_shows_no_event() -> None:
    output = pipe(quiet=True)
    assert show(output, event("stored", "10.0.0.1:4", "X", "CT Image")) == ""
