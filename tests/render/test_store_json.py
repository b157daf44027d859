"""A store as JSON: its keys, its schema, and that a hundred thousand instances take no minute."""

import json
import time
from importlib.resources import files
from typing import Any

import pytest
from json_schema import problems
from render_samples import pipe, terminal
from store_samples import (
    CT,
    ELE,
    FACTS,
    HOSTILE,
    J2K,
    PLAN,
    PROPOSED,
    mixed,
    mixed_outcomes,
    outcome,
    report,
    result_of,
)

from dcmnet_cli.errors import ConnectionLost
from dcmnet_cli.ops.storing.transfer import CONFIRMED, NOT_SENT, REFUSED, TimeSpent
from dcmnet_cli.render.store import show_dry_run, show_store
from dcmnet_cli.render.store_json import report_text

SCHEMA = json.loads(files("dcmnet_cli.render").joinpath("schema.json").read_text(encoding="utf-8"))


def shown() -> Any:
    output = pipe(json=True)
    show_store(report(1), mixed(), output, outcomes=mixed_outcomes(), plan=PLAN, facts=FACTS)
    assert output.stderr == ""
    assert output.stdout.count("\n") == 1
    return json.loads(output.stdout)


def test_it_follows_the_schema() -> None:
    assert problems(shown(), SCHEMA["$defs"]["envelope"], SCHEMA) == []


def test_nothing_and_a_failure_follow_the_schema_too() -> None:
    output = terminal(json=True)
    nothing = result_of([], seconds=0.0, spent=TimeSpent())
    show_store(report(6, ConnectionLost("gone")), nothing, output)
    value = json.loads(output.stdout)
    assert problems(value, SCHEMA["$defs"]["envelope"], SCHEMA) == []
    assert (value["files_per_second"], value["input"], value["error"]["kind"]) == (None, None, "connection_lost")


def test_a_dry_run_follows_the_schema() -> None:
    output = pipe(json=True)
    show_dry_run(report(1), PROPOSED, [outcome("t.dcm", NOT_SENT, reason="truncated")], 1, output)
    value = json.loads(output.stdout)
    assert problems(value, SCHEMA["$defs"]["envelope"], SCHEMA) == []
    assert value["plan"][0]["accepted"] is None
    assert value["instances"][0]["reason"] == "truncated"


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("counts", "stored"), -1),
        (("instances", 0, "outcome"), "refused"),
        (("instances", 0, "status_hex"), "B000"),
        (("instances", 1300, "offending_element"), ["0010,0020"]),
        (("time_spent", "disk"), None),
        (("plan", 0, "proposed"), ["1.2"]),
        (("input", "files"), "1"),
    ],
)
def test_the_schema_refuses_what_is_wrong(path: tuple[Any, ...], wrong: object) -> None:
    value = shown()
    target = value
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = wrong
    assert problems(value, SCHEMA["$defs"]["envelope"], SCHEMA) != []


def test_counts_have_the_words_that_instances_have() -> None:
    value = shown()
    assert value["counts"] == {
        "stored": 1300,
        "warned": 2,
        "failed": 5,
        "not_sent": 1,
        "in_doubt": 1,
        "confirmed": 0,
    }
    found = [one["outcome"] for one in value["instances"]]
    assert {word: found.count(word) for word in value["counts"]} == value["counts"]
    assert value["total"] == len(found) == 1309


def test_speeds_and_times_are_numbers() -> None:
    value = shown()
    assert (value["seconds"], value["bytes"]) == (22.4, 653_500_000)
    assert (value["files_per_second"], value["bytes_per_second"]) == (58.348, 29174107)
    assert value["time_spent"] == {"waiting": 17.4, "network": 1.5, "converting": 3.3, "disk": 0.1, "pausing": 0.0}
    assert (value["associations"], value["retries"], value["jobs"]) == (2, 1, 1)
    assert value["skipped"][2] == {"file": "export/c", "reason": "permission denied"}


def test_an_instance_has_uids_and_names() -> None:
    refused = next(one for one in shown()["instances"] if one["outcome"] == "failed")
    assert refused == {
        "file": "export/R0.dcm",
        "outcome": "failed",
        "sop_class_uid": CT,
        "sop_class_name": "CT Image Storage",
        "sop_instance_uid": "1.2.3",
        "study_instance_uid": "",
        "stored_as": ELE,
        "stored_as_name": "Explicit VR Little Endian",
        "sent_as": ELE,
        "sent_as_name": "Explicit VR Little Endian",
        "bytes": 500_000,
        "ms": 0.0,
        "status": 0xA700,
        "status_hex": "0xA700",
        "status_category": "failure",
        "status_name": "Refused: out of resources",
        "error_comment": "disk full",
        "offending_element": [],
        "reason": "",
        "changes": [],
        "notes": [],
    }


def test_without_an_answer_the_status_is_null() -> None:
    unsent = shown()["instances"][-2]
    assert [unsent[key] for key in ("status", "status_hex", "status_category", "status_name", "sent_as")] == [None] * 5
    assert unsent["reason"] == "no context: abstract syntax not supported"


def test_the_plan_and_the_input_are_there() -> None:
    value = shown()
    first, last = value["plan"][0], value["plan"][-1]
    assert (first["stored_as"], first["files"], first["proposed"][0]) == (J2K, 1284, [J2K])
    assert (last["sop_class_name"], last["accepted"], last["sent_as"]) == (None, "", None)
    assert (value["input"]["files"], value["input"]["directories"]) == (1312, 1)


def test_the_report_holds_the_same_and_may_be_made_beside_the_screen() -> None:
    made = report(1)
    first = "".join(report_text(made, mixed(), iter(mixed_outcomes()), PLAN, FACTS))
    assert json.loads(first) == shown()
    assert "".join(report_text(made, mixed(), mixed_outcomes(), PLAN, FACTS)) == first


def test_hostile_texts_are_harmless_on_the_way() -> None:
    output = pipe(json=True)
    done = [outcome(HOSTILE, REFUSED, status=0xA700, error_comment=HOSTILE, reason=HOSTILE, sop_class_uid=HOSTILE)]
    show_store(report(1), result_of(done, skipped=((HOSTILE, HOSTILE),)), output, outcomes=done)
    assert output.stdout.isascii()
    assert output.stdout.rstrip("\n").isprintable()
    assert problems(json.loads(output.stdout), SCHEMA["$defs"]["envelope"], SCHEMA) == []


def test_a_hundred_thousand_instances_are_written_in_seconds() -> None:
    done = [outcome(f"export/{number}.dcm", CONFIRMED if number % 2 else REFUSED) for number in range(100_000)]
    result = result_of(done)
    begin = time.process_time()
    text = "".join(report_text(report(1), result, done))
    assert time.process_time() - begin < 20  # seconds; three are usual
    assert len(json.loads(text)["instances"]) == 100_000
