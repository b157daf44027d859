"""Host names to addresses."""

import socket
import time

import pytest

from dcmnet_cli.errors import ResolveError, UsageError
from dcmnet_cli.net import resolve as module
from dcmnet_cli.net.resolve import format_address, resolve

V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 104))
V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::7", 104, 0, 0))


def answer_with(monkeypatch: pytest.MonkeyPatch, *found: tuple) -> list[int]:
    """Replace the name service; returns the families that it was asked for."""
    asked: list[int] = []

    def getaddrinfo(host, port, family=0, kind=0, protocol=0, flags=0):
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        asked.append(int(family))
        matching = [entry for entry in found if family in (0, entry[0])]
        if not matching:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return matching

    monkeypatch.setattr(module.socket, "getaddrinfo", getaddrinfo)
    return asked


def test_an_address_in_digits_needs_no_query() -> None:
    (found,) = resolve("127.0.0.1", 104)
    assert (found.family, found.sockaddr, found.text) == (socket.AF_INET, ("127.0.0.1", 104), "127.0.0.1")
    (found,) = resolve("::1", 104)
    assert found.family == socket.AF_INET6
    assert found.sockaddr[:2] == ("::1", 104)


def test_order_is_kept_and_doubles_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, V6, V4, V6)
    assert [address.text for address in resolve("pacs", 104)] == ["2001:db8::7", "192.0.2.7"]


@pytest.mark.parametrize(("family", "expected"), [("4", "192.0.2.7"), ("6", "2001:db8::7")])
def test_only_the_wanted_family_is_asked_for(monkeypatch: pytest.MonkeyPatch, family: str, expected: str) -> None:
    asked = answer_with(monkeypatch, V6, V4)
    assert [address.text for address in resolve("pacs", 104, family)] == [expected]
    assert asked == [int(socket.AF_INET if family == "4" else socket.AF_INET6)]


def test_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch)
    with pytest.raises(ResolveError, match='host "pacs" is unknown') as caught:
        resolve("pacs", 104)
    assert caught.value.details["how"] == "unknown"
    assert caught.value.hints


def test_no_address_of_the_wanted_family(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, V4)
    with pytest.raises(ResolveError, match=r'"pacs" has no IPv6 address, only 192\.0\.2\.7') as caught:
        resolve("pacs", 104, "6")
    assert caught.value.details["how"] == "family"


def test_an_address_of_the_unwanted_family() -> None:
    with pytest.raises(ResolveError, match="has no IPv4 address, only ::1"):
        resolve("::1", 104, "4")


def test_unknown_name_with_a_family_stays_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch)
    with pytest.raises(ResolveError) as caught:
        resolve("pacs", 104, "6")
    assert caught.value.details["how"] == "unknown"


def test_a_failing_name_server_is_not_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object) -> list:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(module.socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(ResolveError, match="temporary failure in name resolution") as caught:
        resolve("pacs", 104)
    assert caught.value.details["how"] == "resolver"


def test_a_silent_name_server_costs_no_more_than_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host, port, family=0, kind=0, protocol=0, flags=0):
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        time.sleep(0.3)
        return [V4]

    monkeypatch.setattr(module.socket, "getaddrinfo", getaddrinfo)
    begin = time.monotonic()
    with pytest.raises(ResolveError, match=r"within 0\.05 s") as caught:
        resolve("pacs", 104, timeout=0.05)
    assert time.monotonic() - begin < 0.25
    assert caught.value.details["how"] == "timeout"


@pytest.mark.parametrize("host", ["", "a..b", "x" * 64 + ".org", "nul\0byte"])
def test_what_cannot_be_a_name(host: str) -> None:
    with pytest.raises(ResolveError):
        resolve(host, 104)


def test_a_name_with_escapes_is_shown_harmlessly() -> None:
    with pytest.raises(ResolveError) as caught:
        resolve("\x1b[2J..", 104)
    assert "\x1b" not in caught.value.message


def test_unknown_family_word() -> None:
    with pytest.raises(UsageError):
        resolve("127.0.0.1", 104, "5")


def test_format_address() -> None:
    assert format_address(("192.0.2.7", 104)) == "192.0.2.7:104"
    assert format_address(("2001:db8::7", 104, 0, 0)) == "[2001:db8::7]:104"
    assert format_address("") == "local socket"
