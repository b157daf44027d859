import base64
import hashlib
import json
import os
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dcmnet_cli.core.pdu import UserIdentity
from dcmnet_cli.errors import InputError
from dcmnet_cli.ops.listening import identity as identity_module
from dcmnet_cli.ops.listening.identity import (
    Caller,
    IdentityCheck,
    PasswordHash,
    UserFile,
    hash_password,
    identity_name,
)

SECRET = "s3cret:with$signs"
HOSTILE = ["../x", "a\0b", "\x1b[2J", "a\nb", "-rf", "$(id)", "'\"", "x" * 70_000, "\u202ex", "a:b"]


def cheap(passcode: str) -> str:
    """A hash with small parameters, made without the code under test."""
    salt = b"0123456789abcdef"
    digest = hashlib.scrypt(passcode.encode(), salt=salt, n=4, r=1, p=1, dklen=32)
    return f"scrypt$2$1$1${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text(f"# who may send\n\neva:{cheap(SECRET)}\nm\u00fcller:{cheap('pass')}\na:b:{cheap('colon')}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def warnings() -> list[str]:
    return []


def passcode(user: str, secret: str, *, asked: bool = False) -> UserIdentity:
    return UserIdentity(2, user.encode("utf-8", "surrogateescape"), secret.encode(), asked)


def script(tmp_path: Path, body: str) -> tuple[str, ...]:
    path = tmp_path / "check.py"
    path.write_text("import base64, json, os, sys, time\n" + body)
    return (sys.executable, "-S", str(path))


def newer(path: Path, text: str) -> None:
    """Write as an editor does, to a file that takes the old one's place."""
    other = path.with_name("new")
    other.write_text(text)
    other.chmod(0o600)
    other.replace(path)


# --- the file -------------------------------------------------------------------------------------------------


def test_users_with_their_passcodes(users: Path, warnings: list[str]) -> None:
    check = IdentityCheck(UserFile(str(users), warnings.append))
    for user, secret in (("eva", SECRET), ("m\u00fcller", "pass"), ("a:b", "colon"), ("eva", SECRET)):
        found = check.check(passcode(user, secret))
        assert found.decision.is_accepted
        assert found.decision.response == b""
        assert found.name == user
        assert found.reason == ""
    for user, secret in (
        ("eva", "pass"),
        ("eva", ""),
        ("eva", SECRET + "x"),
        ("Eva", SECRET),
        ("nobody", ""),
        ("", ""),
    ):
        found = check.check(passcode(user, secret))
        assert not found.decision.is_accepted
        assert found.reason == "unknown user or wrong passcode"
    assert warnings == []


@pytest.mark.parametrize("user", HOSTILE)
def test_hostile_user_names(users: Path, warnings: list[str], user: str) -> None:
    check = IdentityCheck(UserFile(str(users), warnings.append))
    found = check.check(passcode(user, "x"))
    assert not found.decision.is_accepted
    assert found.name.isprintable()
    assert len(found.name) <= 64


def test_bytes_that_are_no_text_are_nobody(users: Path, warnings: list[str]) -> None:
    check = IdentityCheck(UserFile(str(users), warnings.append))
    found = check.check(UserIdentity(2, b"\xff\xfe\0", b"\xff"))
    assert (found.decision.is_accepted, found.name) == (False, "\\xff\\xfe\\x00")


def test_hash_password_makes_what_the_file_takes(tmp_path: Path, warnings: list[str]) -> None:
    first, second = hash_password(SECRET), hash_password(SECRET)
    assert first != second  # salted
    assert SECRET not in first
    scheme, log2n, r, p, salt, digest = first.split("$")
    expected = hashlib.scrypt(
        SECRET.encode(), salt=base64.b64decode(salt), n=2 ** int(log2n), r=int(r), p=int(p), maxmem=1 << 27, dklen=32
    )
    assert (scheme, base64.b64decode(digest)) == ("scrypt", expected)
    assert 2 ** int(log2n) * int(r) * 128 >= 1 << 24
    path = tmp_path / "users"
    path.write_text(f"eva:{first}\n")
    path.chmod(0o600)
    file = UserFile(str(path), warnings.append)
    assert file.accepts(b"eva", SECRET.encode())
    assert not file.accepts(b"eva", b"other")


def test_the_file_is_read_again_when_it_has_changed(users: Path, warnings: list[str]) -> None:
    file = UserFile(str(users), warnings.append)
    assert file.accepts(b"eva", SECRET.encode())
    newer(users, f"eva:{cheap('new')}\n")
    assert not file.accepts(b"eva", SECRET.encode())
    assert file.accepts(b"eva", b"new")
    assert not file.accepts("m\u00fcller".encode(), b"pass")
    newer(users, "")
    assert not file.accepts(b"eva", b"new")
    assert warnings == []


def test_a_file_that_goes_bad_lets_nobody_in_and_says_so_once(users: Path, warnings: list[str]) -> None:
    file = UserFile(str(users), warnings.append)
    content = users.read_text()
    users.unlink()
    assert not file.accepts(b"eva", SECRET.encode())
    assert not file.accepts(b"eva", SECRET.encode())
    assert len(warnings) == 1
    assert "cannot read" in warnings[0]
    newer(users, f"eva:plain\n{content}")
    assert not file.accepts(b"eva", b"plain")
    assert file.accepts("m\u00fcller".encode(), b"pass")
    assert "line 1" in warnings[1]
    newer(users, content)
    assert file.accepts(b"eva", SECRET.encode())


@pytest.mark.parametrize(
    "line",
    [
        "eva",
        "eva:",
        ":" + cheap("x"),
        "eva:hunter2hunter2",
        "eva:$6$salt$hunter2hunter2",
        "eva:scrypt$hunter2",
        "eva:" + cheap("x").replace("scrypt", "md5"),
        "eva:" + cheap("x")[:-30],
        "eva:" + cheap("x").replace("$2$1$1$", "$0$1$1$"),
        "eva:" + cheap("x").replace("$2$1$1$", "$40$1$1$"),
        "eva:" + cheap("x").replace("$2$1$1$", "$20$99$1$"),
        "eva:" + cheap("x").replace("$2$1$1$", "$2$1$99$"),
        "eva:" + cheap("x") + "\neva:" + cheap("y"),
        "eva:p\u00e4ssw\u00f6rt-hunter2",
    ],
)
def test_lines_that_cannot_be_meant_show_at_the_start_without_their_secret(tmp_path: Path, line: str) -> None:
    path = tmp_path / "users"
    path.write_text(line + "\n")
    with pytest.raises(InputError, match=r"line \d") as caught:
        UserFile(str(path), lambda _text: None)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.details)


def test_a_missing_file_shows_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        UserFile(str(tmp_path / "none"), lambda _text: None)


@pytest.mark.parametrize(("mode", "told"), [(0o600, ""), (0o640, ""), (0o644, "read"), (0o660, "change")])
def test_a_file_open_to_others_is_warned_of(users: Path, warnings: list[str], mode: int, told: str) -> None:
    users.chmod(mode)
    assert stat.S_IMODE(users.stat().st_mode) == mode
    UserFile(str(users), warnings.append)
    assert [told in warning for warning in warnings] == ([True] if told else [])


def test_an_unknown_user_costs_a_hash_like_a_known_one(
    users: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = []
    scrypt = identity_module._scrypt

    def counted(passcode: bytes, salt: bytes, cost: tuple[int, int, int], length: int) -> bytes:
        costs.append(cost)
        return scrypt(passcode, salt, cost, length)

    monkeypatch.setattr(identity_module, "_scrypt", counted)
    file = UserFile(str(users), warnings.append)
    file.accepts(b"eva", b"wrong")
    file.accepts(b"nobody", b"wrong")
    assert costs == [(2, 1, 1), (2, 1, 1)]
    # Who has shown the right passcode once does not pay again; a wrong one always does.
    assert file.accepts(b"eva", SECRET.encode())
    assert file.accepts(b"eva", SECRET.encode())
    assert len(costs) == 3
    assert not file.accepts(b"eva", b"wrong")
    assert len(costs) == 4


def test_what_is_remembered_is_no_passcode(users: Path, warnings: list[str]) -> None:
    file = UserFile(str(users), warnings.append)
    assert file.accepts(b"eva", SECRET.encode())
    assert SECRET not in repr(vars(file))


def test_many_threads_at_once(users: Path, warnings: list[str]) -> None:
    file = UserFile(str(users), warnings.append)
    results: list[bool] = []

    def ask(secret: str) -> None:
        results.append(file.accepts(b"eva", secret.encode()) == (secret == SECRET))

    threads = [threading.Thread(target=ask, args=(secret,)) for secret in (SECRET, "x", "y") * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 30


def test_a_hash_round_trips() -> None:
    assert str(PasswordHash.parse(cheap("x"))) == cheap("x")


# --- what to do without a file --------------------------------------------------------------------------------


def test_no_identity(users: Path, warnings: list[str]) -> None:
    file = UserFile(str(users), warnings.append)
    assert IdentityCheck(file).check(None).decision.is_accepted
    refused = IdentityCheck(file, required=True).check(None)
    assert not refused.decision.is_accepted
    assert refused.reason == "no user identity was given"


def test_with_nothing_to_check_by_an_identity_is_noted_only() -> None:
    found = IdentityCheck().check(passcode("eva", "x"))
    assert found.decision.is_accepted
    assert found.name == "eva (not checked)"
    assert not IdentityCheck(required=True).check(passcode("eva", "x")).decision.is_accepted


@pytest.mark.parametrize("kind", [1, 3, 4, 5, 6, 255])
def test_a_file_of_passcodes_vouches_for_nothing_else(users: Path, warnings: list[str], kind: int) -> None:
    check = IdentityCheck(UserFile(str(users), warnings.append))
    assert not check.check(UserIdentity(kind, b"eva", SECRET.encode())).decision.is_accepted


# --- the program ----------------------------------------------------------------------------------------------


def test_the_program_decides_and_answers(tmp_path: Path) -> None:
    body = (
        "facts = json.load(sys.stdin)\n"
        "assert len(sys.argv) == 1\n"
        f"json.dump(facts, open({str(tmp_path / 'seen')!r}, 'w'))\n"
        "sys.stdout.buffer.write(b'\\x00ticket' + base64.b64decode(facts['primary']))\n"
    )
    check = IdentityCheck(None, script(tmp_path, body), required=True)
    found = check.check(UserIdentity(3, b"\x6e\xff\0", b"", True), Caller("CT1", "US", "192.0.2.7"))
    assert (found.decision.is_accepted, found.decision.response) == (True, b"\x00ticket\x6e\xff\0")
    assert found.name == "kerberos:" + hashlib.sha256(b"\x6e\xff\0").hexdigest()[:12]
    seen = json.loads((tmp_path / "seen").read_text())
    assert seen == {
        "schema": "dcmnet/1",
        "event": "identity",
        "type": 3,
        "kind": "kerberos",
        "primary": base64.b64encode(b"\x6e\xff\0").decode(),
        "secondary": "",
        "user": None,
        "positive_response_requested": True,
        "calling": "CT1",
        "called": "US",
        "address": "192.0.2.7",
    }


def test_the_file_comes_first_for_passcodes_and_the_program_for_the_rest(
    users: Path, warnings: list[str], tmp_path: Path
) -> None:
    check = IdentityCheck(UserFile(str(users), warnings.append), script(tmp_path, "sys.exit(0)"))
    assert not check.check(passcode("eva", "wrong")).decision.is_accepted
    assert check.check(UserIdentity(1, b"eva")).decision.is_accepted
    assert check.check(UserIdentity(99, b"eva")).decision.is_accepted
    alone = IdentityCheck(None, script(tmp_path, "sys.exit(json.load(sys.stdin)['user'] != 'eva')"))
    assert alone.check(passcode("eva", "x")).decision.is_accepted
    assert not alone.check(passcode("bob", "x")).decision.is_accepted


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sys.exit(1)", "exit 1"),
        ("print(sys.stdin.read(), file=sys.stderr); sys.exit(3)", "exit 3"),
        ("os.kill(os.getpid(), 9)", "exit -9"),
        ("time.sleep(60)", "not done within"),
        ("sys.stdout.write('x' * 70000)", "over 65535 bytes"),
    ],
)
def test_anything_but_a_clean_yes_refuses(tmp_path: Path, body: str, told: str) -> None:
    seconds = 0.3 if "sleep" in body else 10.0
    check = IdentityCheck(None, script(tmp_path, body), seconds=seconds)
    token = b"eyJhbGciOi.secret.part"
    found = check.check(UserIdentity(5, token))
    assert not found.decision.is_accepted
    assert told in found.reason
    encoded = base64.b64encode(token).decode()
    assert not any(text in repr(found) for text in ("secret", encoded))


def test_a_program_that_does_not_exist_refuses() -> None:
    found = IdentityCheck(None, ("/nonexistent/check",)).check(UserIdentity(5, b"x"))
    assert not found.decision.is_accepted
    assert found.reason == "check: cannot start: No such file or directory"


def test_a_program_that_reads_nothing_can_still_accept_a_long_token(tmp_path: Path) -> None:
    check = IdentityCheck(None, script(tmp_path, "sys.exit(0)"))
    assert check.check(UserIdentity(4, os.urandom(0xFFFF))).decision.is_accepted


def test_too_many_at_once_are_refused_not_queued_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_module, "_MOST_PROGRAMS", 1)
    check = IdentityCheck(None, script(tmp_path, "time.sleep(60)"), seconds=0.2)
    reasons: list[str] = []
    asks: list[Callable[[], None]] = [lambda: reasons.append(check.check(UserIdentity(5, b"x")).reason)] * 3
    threads = [threading.Thread(target=ask) for ask in asks]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begin < 5
    assert len(reasons) == 3
    assert any("too many" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        (UserIdentity(1, b"eva"), "eva"),
        (UserIdentity(2, b"ev\x1b[31ma", b"x"), "ev\\x1b[31ma"),
        (UserIdentity(2, b"\n", b"x"), "\\x0a"),
        (UserIdentity(4, b"<saml/>"), "saml:" + hashlib.sha256(b"<saml/>").hexdigest()[:12]),
        (UserIdentity(5, b"a.b.c"), "jwt:" + hashlib.sha256(b"a.b.c").hexdigest()[:12]),
        (UserIdentity(77, b""), "type 77:" + hashlib.sha256(b"").hexdigest()[:12]),
    ],
)
def test_names_for_the_audit_trail(identity: UserIdentity, name: str) -> None:
    assert identity_name(identity) == name
