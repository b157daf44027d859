import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcmnet_cli.core import status
from dcmnet_cli.core.status_table import sections

# Independent transcription of PS3.7 annex C and PS3.4: service, code, term of the standard.
TERMS = [
    ("", 0x0000, "Success"),
    ("", 0x0001, "Requested optional attributes are not supported"),
    ("", 0x0105, "No such attribute"),
    ("", 0x0106, "Invalid attribute value"),
    ("", 0x0107, "Attribute list warning"),
    ("", 0x0110, "Processing failure"),
    ("", 0x0111, "Duplicate SOP instance"),
    ("", 0x0112, "No such SOP instance"),
    ("", 0x0113, "No such event type"),
    ("", 0x0114, "No such argument"),
    ("", 0x0115, "Invalid argument value"),
    ("", 0x0116, "Attribute value out of range"),
    ("", 0x0117, "Invalid SOP instance"),
    ("", 0x0118, "No such SOP class"),
    ("", 0x0119, "Class-instance conflict"),
    ("", 0x0120, "Missing attribute"),
    ("", 0x0121, "Missing attribute value"),
    ("", 0x0122, "Refused: SOP class not supported"),
    ("", 0x0123, "No such action type"),
    ("", 0x0124, "Refused: not authorized"),
    ("", 0x0210, "Duplicate invocation"),
    ("", 0x0211, "Unrecognized operation"),
    ("", 0x0212, "Mistyped argument"),
    ("", 0x0213, "Resource limitation"),
    ("", 0xFE00, "Cancel"),
    ("", 0xFF00, "Pending"),
    ("echo", 0x0000, "Success"),
    ("store", 0xB000, "Coercion of data elements"),
    ("store", 0xB006, "Elements discarded"),
    ("store", 0xB007, "Data set does not match SOP class"),
    ("store", 0xA700, "Refused: out of resources"),
    ("store", 0xA7FF, "Refused: out of resources"),
    ("store", 0xA901, "Error: data set does not match SOP class"),
    ("store", 0xC001, "Error: cannot understand"),
    ("store", 0xC502, "Error: cannot understand"),
    ("store", 0x0211, "Unrecognized operation"),
    ("non-patient", 0xA900, "Error: data set does not match SOP class"),
    ("find", 0xA700, "Refused: out of resources"),
    ("find", 0xFF01, "Matches are continuing; one or more optional keys not supported"),
    ("find", 0xC000, "Failed: unable to process"),
    ("repository", 0xB001, "Matching reached response limit"),
    ("repository", 0xA710, "Invalid prior record key"),
    ("repository", 0xA700, "Refused: out of resources"),
    ("move", 0x0000, "Sub-operations complete, no failures"),
    ("move", 0xFF00, "Sub-operations are continuing"),
    ("move", 0xFE00, "Sub-operations terminated due to cancel"),
    ("move", 0xA701, "Refused: out of resources, unable to calculate number of matches"),
    ("move", 0xA702, "Refused: out of resources, unable to perform sub-operations"),
    ("move", 0xA801, "Refused: move destination unknown"),
    ("move", 0xA900, "Error: data set (identifier) does not match SOP class"),
    ("move", 0xB000, "Sub-operations complete, one or more failures or warnings"),
    ("get", 0x0000, "Sub-operations complete, no failures or warnings"),
    ("get", 0xA701, "Refused: out of resources, unable to calculate number of matches"),
    ("get", 0xC123, "Failed: unable to process"),
    ("composite-move", 0xA801, "Refused: move destination unknown"),
    ("composite-move", 0xAA00, "Failed: none of the frames requested were found"),
    ("composite-get", 0xAA04, "Failed: invalid request"),
    ("without-bulk-data", 0xA702, "Refused: out of resources, unable to perform sub-operations"),
    ("worklist", 0xFE00, "Matching terminated due to cancel request"),
    ("worklist", 0xA900, "Error: data set (identifier) does not match SOP class"),
    ("substance-query", 0xC001, "Failed: unable to process"),
    ("patient-info", 0xC100, "Failed: more than one match found"),
    ("patient-info", 0xC200, "Failed: unable to support requested template"),
    ("mpps", 0x0110, "Processing failure"),
    ("commit", 0x0131, "Duplicate transaction UID"),
    ("commit", 0x0119, "Class/instance conflict"),
    ("print", 0xB600, "Memory allocation not supported"),
    ("print", 0xB60A, "Image or combined print image larger than image box, decimated"),
    ("print", 0xC605, "Insufficient memory in printer to store the image"),
    ("print", 0xC616, "Existing film box not printed and film session printing not supported"),
    ("ups", 0xC300, "The UPS may no longer be updated"),
    ("ups", 0xC308, "Receiving AE title is unknown to this SCP"),
    ("ups", 0xB301, "Deletion lock not granted"),
    ("ups-find", 0xA700, "Refused: out of resources"),
    ("logging", 0xC102, "Event information does not match template"),
    ("substance-logging", 0xC110, "Patient cannot be identified from Patient ID or Admission ID"),
    ("media", 0xA510, "An initiate media creation action has already been received for this SOP instance"),
    ("media", 0xC201, "Media creation request already completed"),
    ("inventory", 0xB010, "Attribute list error: one or more keys are not supported for matching"),
    ("rt", 0xC112, "Applicable machine verification instance not found"),
    ("rt", 0xC227, "No such object instance: referenced RT plan not found"),
]

# Codes that each service has of its own, as its tables in PS3.4 list them.
OWN_CODES = {
    "store": "0000 B000 B006 B007 A7xx A9xx Cxxx 0117 0122 0124",
    "non-patient": "0000 A700 A900 C000",
    "find": "0000 FF00 FF01 FE00 A700 A900 Cxxx 0122 0124",
    "repository": "A710 B001",
    "move": "0000 FF00 FE00 B000 A701 A702 A801 A900 Cxxx 0122 0124",
    "frames": "AA00 AA01 AA02 AA03 AA04",
    "patient-info": "C000 C100 C200",
    "commit": "0000 0110 0112 0119 0122 0131 0213",
    "print": "0000 B600 B601 B602 B603 B604 B605 B609 B60A C600 C601 C602 C603 C604 C605 C613 C616",
    "ups": "0000 0001 0111 B300 B301 B304 B305 B306 C300 C301 C302 C303 C304"
    " C307 C308 C309 C310 C311 C312 C313 C314 C315",
    "logging": "0000 B101 B102 B104 C101 C102 C103 C104",
    "substance-logging": "0000 C10E C110 C111",
    "media": "0001 A510 C201 C202 C203",
    "inventory": "0000 0110 0124 0212 0213 B010",
    "rt": "0000 C112 C221 C222 C223 C224 C225 C226 C227",
}


@pytest.mark.parametrize(
    ("code", "category"),
    [
        (0x0000, "success"),
        (0x0001, "warning"),
        (0x0107, "warning"),
        (0x0116, "warning"),
        (0x0106, "failure"),
        (0x0108, "failure"),
        (0x0115, "failure"),
        (0x0117, "failure"),
        (0x0210, "failure"),
        (0xA700, "failure"),
        (0xAFFF, "failure"),
        (0xB000, "warning"),
        (0xBFFF, "warning"),
        (0xC000, "failure"),
        (0xFE00, "cancel"),
        (0xFE01, "failure"),
        (0xFF00, "pending"),
        (0xFF01, "pending"),
        (0xFF02, "failure"),
        (0x0002, "failure"),
        (0x8001, "failure"),
    ],
)
def test_category(code: int, category: str) -> None:
    assert status.category(code) == category


@pytest.mark.parametrize(("service", "code", "term"), TERMS)
def test_terms_of_the_standard(service: str, code: int, term: str) -> None:
    assert status.lookup(code, service).meaning == term


@pytest.mark.parametrize(("service", "codes"), OWN_CODES.items())
def test_own_codes_of_a_service(service: str, codes: str) -> None:
    assert sorted(sections()[service].rows) == sorted(codes.split())


def test_every_row_explains_itself() -> None:
    for section in sections().values():
        assert section.title
        assert section.operations or section.key == "general"
        for row in section.rows.values():
            place = f"{section.key} {row.code}"
            assert len(row.code) == 4, place
            assert set(row.code) <= set("0123456789ABCDEFx"), place
            assert row.meaning, place
            assert row.operations, place
            for sentence in (row.explanation, *row.remedies):
                assert sentence[0].isupper(), place
                assert sentence.endswith((".", "?")), place
                assert ">" not in sentence, place
            assert len(row.explanation) < 150, place


def test_failures_that_someone_can_mend_say_how() -> None:
    too_late = {"C311", "C313", "C201", "C202"}
    for section in sections().values():
        for row in section.rows.values():
            code = int(row.code.replace("x", "F"), 16)
            if status.category(code) == "failure" and row.code not in too_late:
                assert row.remedies, f"{section.key} {row.code}"


def test_parents_and_titles_are_consistent() -> None:
    tables = sections()
    assert all(parent in tables for section in tables.values() for parent in section.parents)
    assert len({section.title for section in tables.values()}) == len(tables)


@pytest.mark.parametrize(
    ("code", "service", "pattern", "found_in"),
    [
        (0xA801, "move", "A801", "move"),
        (0xA7AB, "store", "A7xx", "store"),
        (0xA899, "store", "Axxx", "general"),
        (0xC300, "store", "Cxxx", "store"),
        (0xC300, "ups", "C300", "ups"),
        (0xC399, "ups", "Cxxx", "general"),
        (0x0110, "store", "0110", "general"),
        (0x01FF, "store", "01xx", "general"),
        (0x0299, "", "02xx", "general"),
        (0xB123, "find", "Bxxx", "general"),
        (0x8001, "store", "", ""),
        (0xA801, "no such service", "Axxx", "general"),
        (0xA900, "worklist", "A900", "worklist"),
        (0xA700, "worklist", "A700", "worklist"),
        (0x0124, "n-action", "0124", "general"),
    ],
)
def test_the_most_specific_entry_wins(code: int, service: str, pattern: str, found_in: str) -> None:
    found = status.lookup(code, service)
    assert (found.code, found.pattern, found.service) == (code, pattern, found_in)
    assert found.category == status.category(code)


def test_inherited_rows_answer_the_heirs_operation() -> None:
    assert status.lookup(0xA701, "get").operations == ("C-GET",)
    assert status.lookup(0xAA00, "composite-move").operations == ("C-MOVE",)
    assert status.lookup(0xB600, "print").operations == ("N-CREATE",)


def test_related_elements_have_names() -> None:
    assert status.lookup(0xA700, "store").related == ("Error Comment",)
    assert status.lookup(0xA900, "store").related == ("Offending Element", "Error Comment")
    assert "identifier" in status.lookup(0xB000, "move").related
    assert "Number of Remaining Sub-operations" in status.lookup(0xFF00, "get").related


def test_who_has_to_act() -> None:
    assert status.lookup(0xA700, "store").side == "peer"
    assert status.lookup(0xA801, "move").side == "peer"
    assert status.lookup(0xA702, "get").side == "here"
    assert status.lookup(0x0000, "store").side == ""
    assert status.lookup(0xA801, "move").remedy.startswith("Peer: enter the destination title")


def test_an_unknown_status_is_admitted() -> None:
    found = status.lookup(0x8765, "store")
    assert found.meaning == "unknown status"
    assert found.category == "failure"
    assert found.remedies


def test_readings_differ_and_put_the_informative_one_first() -> None:
    move_destination = status.readings(0xA801)
    assert [one.service for one in move_destination] == ["move", "general"]
    processing = status.readings(0x0110)
    assert processing[0].service == "general"
    assert {"mpps", "commit", "inventory"} <= {one.service for one in processing}
    for found in (status.readings(0xA900), status.readings(0xC100)):
        assert len({(one.meaning, one.explanation) for one in found}) == len(found)
    assert [one.meaning for one in status.readings(0x8001)] == ["unknown status"]


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("move", "move"),
        ("c-move", "move"),
        ("C-MOVE-RSP", "move"),
        ("C-MOVE-RQ", "move"),
        ("c_store", "store"),
        ("Storage", "store"),
        ("n-action", "n-action"),
        ("N-EVENT-REPORT-RSP", "n-event-report"),
        ("mwl", "worklist"),
        ("Modality Worklist", "worklist"),
        ("storage commitment", "commit"),
        ("UPS", "ups"),
        ("hanging-protocol", "non-patient-query"),
        ("", ""),
        ("c-cancel", ""),
        ("mvoe", ""),
    ],
)
def test_service_words(word: str, key: str) -> None:
    assert status.service_key(word) == key


def test_every_listed_service_word_is_understood() -> None:
    for word in status.services():
        assert status.service_key(word), word
    assert status.service_title("move") == "Retrieve by C-MOVE"
    assert status.service_title("nonsense") == ""


def test_format() -> None:
    assert status.format_status(0xA700) == "0xA700"
    assert status.format_status(0) == "0x0000"


@given(st.integers(0, 0xFFFF), st.sampled_from(["", *status.services()]) | st.text(max_size=12))
def test_every_number_has_an_answer(code: int, service: str) -> None:
    found = status.lookup(code, service)
    assert found.category == status.category(code)
    assert found.meaning
    assert found.explanation
    if found.pattern:
        assert all(mask in ("x", digit) for mask, digit in zip(found.pattern, f"{code:04X}", strict=True))
