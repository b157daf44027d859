"""The JSON of every command: its keys, its schema, and that nothing harmful or unreadable gets into it."""

import json
from enum import Enum, IntEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from json_schema import problems
from render_samples import (
    CT_IMAGE,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Shown,
    accepted,
    pipe,
    rejected,
    terminal,
    timed_out,
    without_context,
)

from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import AssociationAborted, ConnectError, DcmnetError, OperationFailed, TLSError
from dcmnet_cli.ops.explain import explain
from dcmnet_cli.ops.results import ContextFacts, ListenEvent, Report, RoundTrips
from dcmnet_cli.render.events import show_event
from dcmnet_cli.render.explain import show_explanation
from dcmnet_cli.render.json import envelope, plain
from dcmnet_cli.render.ladder import show_report
from dcmnet_cli.render.statistics import round_trips_json

SCHEMA = json.loads(files("dcmnet_cli.render").joinpath("schema.json").read_text(encoding="utf-8"))


def shown(report: Report) -> Any:
    output = pipe(json=True)
    show_report(report, output)
    assert output.stderr == ""
    assert output.stdout.count("\n") == 1
    return json.loads(output.stdout)


def failed(error: DcmnetError, exit_code: int) -> Report:
    report = Report("echo")
    report.error = error
    report.exit_code = exit_code
    return report


def repeated() -> Report:
    report = accepted(ContextFacts(1, VERIFICATION, (IMPLICIT, EXPLICIT), 0, IMPLICIT))
    report.extra["round_trips"] = round_trips_json(RoundTrips(3, (0.002, 0.001)))
    return report


def unanswered() -> Report:
    report = timed_out()
    report.extra["round_trips"] = round_trips_json(RoundTrips(3, ()))
    return report


EVERY_KIND = [
    accepted(),
    repeated(),
    unanswered(),
    rejected(),
    timed_out(),
    without_context(),
    failed(AssociationAborted("aborted", 2, 6), 6),
    failed(ConnectError("refused", attempts=[("10.0.0.1", "connection refused")], hints=("check the port",)), 3),
    failed(TLSError("certificate expired", "expired"), 4),
    failed(OperationFailed("refused", 0xA801, service="move"), 9),
]


@pytest.mark.parametrize("report", EVERY_KIND)
def test_every_report_follows_the_schema(report: Report) -> None:
    assert problems(shown(report), SCHEMA["$defs"]["envelope"], SCHEMA) == []


@pytest.mark.parametrize("words", [["A801"], ["rj", "1", "1", "7"], ["ELE"], ["7"], ["abort", "2", "6"]])
def test_every_explanation_follows_the_schema(words: list[str]) -> None:
    output = terminal(json=True)
    show_explanation(explain(words), output)
    value = json.loads(output.stdout)
    assert problems(value, SCHEMA["$defs"]["envelope"], SCHEMA) == []
    assert value["words"] == words


@pytest.mark.parametrize("event", ["listening", "association", "stored", "not_dicom"])
def test_every_event_follows_the_schema(event: str) -> None:
    output = pipe(json=True, quiet=True)
    show_event(ListenEvent(event, 1700000000.5, "10.0.0.1:4000", "A", "", "what", {"ports": [11112]}), output)
    value = json.loads(output.stdout)
    assert problems(value, SCHEMA["$defs"]["event"], SCHEMA) == []
    assert (value["event"], value["called"], value["ports"]) == (event, None, [11112])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "dcmnet/2"),
        (("exit",), "5"),
        (("ok",), None),
        (("error", "hints"), ["fine", 3]),
        (("error", "side"), "elsewhere"),
        (("steps", 0, "ms"), -1),
        (("peer", "port"), 70000),
    ],
)
def test_the_schema_refuses_what_is_wrong(path: tuple[Any, ...], value: object) -> None:
    report = shown(rejected())
    target = report
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    assert problems(report, SCHEMA["$defs"]["envelope"], SCHEMA) != []


def test_the_schema_refuses_a_missing_key() -> None:
    for key in SCHEMA["$defs"]["envelope"]["required"]:
        report = shown(accepted())
        del report[key]
        assert problems(report, SCHEMA, SCHEMA) != []


def test_keys_come_in_a_fixed_order() -> None:
    report = accepted()
    report.extra = {"zebra": 1, "attempts": 2}
    assert list(shown(report)) == [
        *("schema", "command", "ok", "exit", "error", "peer", "steps", "association", "notes"),
        *("zebra", "attempts"),
    ]


def test_a_rejection_has_numbers_and_names() -> None:
    value = shown(rejected())
    assert (value["ok"], value["exit"]) == (False, 5)
    error = value["error"]
    assert (error["kind"], error["layer"], error["side"]) == ("rejected", "association", "here")
    assert (error["result"], error["source"], error["reason"]) == (1, 1, 7)
    assert (error["source_name"], error["reason_name"]) == ("service user", "called AE title not recognized")
    assert error["hints"][1].startswith("One host often runs several titles")
    assert error["facts"] == [{"label": "We sent", "value": 'called "ARCHIVE1"  calling "CTROOM2"'}]
    assert value["peer"] == {"host": "pacs.example.org", "port": 104, "called": "ARCHIVE1", "calling": "CTROOM2"}
    assert value["steps"][2]["ms"] == 6.2


def test_a_context_has_uids_and_names() -> None:
    first, second, third = shown(without_context())["association"]["presentation_contexts"]
    assert first == {
        "id": 1,
        "abstract_syntax": CT_IMAGE,
        "abstract_syntax_name": "CT Image Storage",
        "transfer_syntaxes": [IMPLICIT, EXPLICIT],
        "transfer_syntax_names": ["Implicit VR Little Endian", "Explicit VR Little Endian"],
        "result": 4,
        "result_name": first["result_name"],
        "accepted": None,
        "accepted_name": None,
    }
    assert first["result_name"].startswith("transfer syntaxes not supported")
    assert second["abstract_syntax_name"] is None
    assert (third["result"], third["result_name"]) == (None, "not answered")


def test_an_accepted_context_names_its_transfer_syntax() -> None:
    (context,) = shown(repeated())["association"]["presentation_contexts"]
    assert (context["accepted"], context["accepted_name"]) == (IMPLICIT, "Implicit VR Little Endian")


def test_a_status_has_number_category_and_name() -> None:
    error = shown(failed(OperationFailed("refused", 0xA801, service="move"), 9))["error"]
    assert (error["status"], error["status_hex"], error["status_category"]) == (0xA801, "0xA801", "failure")
    assert error["status_name"] == "Refused: move destination unknown"


def test_addresses_tried_are_objects() -> None:
    error = shown(failed(ConnectError("refused", attempts=[("10.0.0.1", "connection refused")]), 3))["error"]
    assert error["attempts"] == [{"address": "10.0.0.1", "reason": "connection refused"}]


def test_details_never_replace_a_fixed_key() -> None:
    error = DcmnetError("what happened", kind="forged", extra=1)
    assert (shown(failed(error, 1))["error"]["kind"], shown(failed(error, 1))["error"]["extra"]) == ("error", 1)


def test_extra_must_not_replace_a_fixed_key() -> None:
    report = accepted()
    report.extra["ok"] = True
    with pytest.raises(ValueError, match="ok"):
        envelope(report)


def test_a_fact_must_not_replace_a_fixed_key_of_an_event() -> None:
    with pytest.raises(ValueError, match="peer"):
        show_event(ListenEvent("stored", 0.0, "", "", "", "", {"peer": "forged"}), pipe(json=True))


class _Word(Enum):
    ONE = "one"


class _Number(IntEnum):
    FIVE = 5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"A\xff\x1b", r"A\xff\x1b"),
        (bytearray(b"x"), "x"),
        (memoryview(b"y"), "y"),
        (float("nan"), None),
        (float("-inf"), None),
        (1.5, 1.5),
        (True, True),
        (_Word.ONE, "one"),
        (_Number.FIVE, 5),
        ((1, (b"a",)), [1, ["a"]]),
        ({"b", "a"}, ["a", "b"]),
        ({1: {"two": b"3"}}, {"1": {"two": "3"}}),
        (Path("/tmp/x"), "/tmp/x"),
        ("\udc80", r"\x80"),
        ("café", "café"),
    ],
)
def test_everything_has_a_place_in_json(value: object, expected: object) -> None:
    assert plain(value) == expected


def test_hostile_text_survives_as_itself_and_is_harmless_on_the_way() -> None:
    report = accepted()
    hostile = "\x1b[2J\u202e\x9b[bold]\n\"'\\ \ud800"
    report.extra["words"] = [hostile]
    output: Shown = terminal(json=True)
    show_report(report, output)
    assert output.stdout.isascii()
    assert all(character.isprintable() for character in output.stdout.rstrip("\n"))
    assert json.loads(output.stdout)["words"] == [printable(hostile)]
    report.extra["words"] = [hostile[:-1]]
    assert shown(report)["words"] == [hostile[:-1]]
