"""Who may: the user identity of an association request checked (PS3.7 D.3.3.7), and a name for it in the audit trail.

User names with a passcode are held against a file of salted hashes; every other kind, which takes a Kerberos, SAML or
token library to understand, goes to a program of the user's. No secret is kept, logged or put on a command line.
"""

import os
import re
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dcmnet_cli.core.negotiation import IdentityDecision
from dcmnet_cli.core.pdu import UserIdentity
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import InputError
from dcmnet_cli.ops.listening.processes import run

_KINDS = {1: "user", 2: "user", 3: "kerberos", 4: "saml", 5: "jwt"}
_USER_ONLY, _USER_AND_PASSCODE = 1, 2
_LONGEST_RESPONSE = 0xFFFF  # the length field of item 59 has 16 bits
_MOST_PROGRAMS = 8
_MOST_REMEMBERED = 256
_LONGEST_NAME = 64
_COST = (15, 8, 1)
_LARGEST_MEMORY, _LARGEST_P = 1 << 21, 16  # in units of 128 bytes: 256 MiB
_HASH = re.compile(r"scrypt\$(\d\d?)\$(\d\d?)\$(\d\d?)\$([A-Za-z0-9+/]{12,}=*)\$([A-Za-z0-9+/]{22,}=*)", re.ASCII)


class Checked(NamedTuple):
    """The verdict on a request. ``name`` is printable and tells who it claims to be, "" for nobody; ``reason`` says
    in words why it was refused, "" if it was not."""

    decision: IdentityDecision
    name: str
    reason: str = ""


class Caller(NamedTuple):
    """Where a request came from, for the program that checks it."""

    calling: str = ""
    called: str = ""
    address: str = ""


# --- the file of users ----------------------------------------------------------------------------------------


class PasswordHash(NamedTuple):
    """``scrypt$LOG2N$R$P$SALT$HASH``, salt and hash in base64: RFC 7914, all its parameters beside the hash."""

    cost: tuple[int, int, int]
    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> "PasswordHash":
        """Raises ValueError, which does not show the text."""
        import base64

        match = _HASH.fullmatch(text)
        if match is None:
            raise ValueError("not a scrypt hash of ours")
        log2n, r, p = int(match[1]), int(match[2]), int(match[3])
        if not (log2n and r and p) or r << log2n > _LARGEST_MEMORY or p > _LARGEST_P:
            raise ValueError("scrypt parameters out of range")
        salt, digest = (base64.b64decode(match[number], validate=True) for number in (4, 5))
        return cls((log2n, r, p), salt, digest)

    def matches(self, passcode: bytes) -> bool:
        """In constant time for a given cost."""
        import hmac

        return hmac.compare_digest(_scrypt(passcode, self.salt, self.cost, len(self.digest)), self.digest)

    def __str__(self) -> str:
        import base64

        numbers = "$".join(str(each) for each in self.cost)
        return f"scrypt${numbers}${base64.b64encode(self.salt).decode()}${base64.b64encode(self.digest).decode()}"


def hash_password(passcode: str) -> str:
    """What goes behind ``name:`` in the file of users, with a fresh salt."""
    salt = os.urandom(16)
    return str(PasswordHash(_COST, salt, _scrypt(passcode.encode("utf-8", "surrogateescape"), salt, _COST, 32)))


def _scrypt(passcode: bytes, salt: bytes, cost: tuple[int, int, int], length: int) -> bytes:
    import hashlib

    log2n, r, p = cost
    memory = 128 * r * ((1 << log2n) + p + 2)
    return hashlib.scrypt(passcode, salt=salt, n=1 << log2n, r=r, p=p, maxmem=2 * memory, dklen=length)


class UserFile:
    """A file of ``name:hash`` lines; ``#`` begins a comment. Read again whenever it has changed.

    Raises InputError for one that cannot be used at the start. When it turns bad later, ``warn`` is told and nobody
    gets in by the lines that cannot be read.
    """

    def __init__(self, path: str, warn: Callable[[str], None]) -> None:
        self._path = path
        self._warn = warn
        self._lock = threading.Lock()
        self._turn = (
            threading.Lock()
        )  # one at a time: guessing must not keep every processor busy, nor take 32 MiB each
        self._seen: object = None
        self._users: dict[bytes, PasswordHash] = {}
        self._key = os.urandom(32)
        self._remembered: dict[tuple[PasswordHash, bytes], None] = {}
        if problems := self._refresh():
            raise InputError(problems[0], path=path)

    def accepts(self, user: bytes, passcode: bytes) -> bool:
        """Whether the file has this user with this passcode. A user it does not have takes as long as one it has."""
        import hmac

        with self._lock:
            for problem in self._refresh():
                self._warn(problem)
            users = self._users
        entry = users.get(user)
        # Kept only as a keyed digest, so that a peer with an association for every image does not pay each time.
        known = (entry, hmac.digest(self._key, passcode, "sha256")) if entry else None
        if known in self._remembered:
            return True
        with self._turn:
            is_match = (entry or _stand_in(users)).matches(passcode) and entry is not None
        if is_match and known is not None:
            with self._lock:
                while len(self._remembered) >= _MOST_REMEMBERED:
                    del self._remembered[next(iter(self._remembered))]
                self._remembered[known] = None
        return is_match

    def _refresh(self) -> list[str]:
        """Read the file if it is another than last time; returns what is wrong with it."""
        try:
            with open(self._path, "rb") as file:
                found = os.fstat(file.fileno())
                seen = (found.st_ino, found.st_dev, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
                if seen == self._seen:
                    return []
                content = file.read()
        except OSError as error:
            is_news, self._seen, self._users = self._seen != error.errno, error.errno, {}
            return [f"cannot read the file of users {self._path}: {error.strerror}"] if is_news else []
        self._seen = seen
        if found.st_mode & 0o026:
            who = "read" if found.st_mode & 0o004 else "change"
            self._warn(f"others can {who} the file of users {self._path}: chmod 600 it")
        self._users, problems = _parse_users(content, self._path)
        return problems


def _parse_users(content: bytes, path: str) -> tuple[dict[bytes, PasswordHash], list[str]]:
    users: dict[bytes, PasswordHash] = {}
    problems = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        name, colon, text = line.rpartition(b":")
        try:
            if not colon or not name:
                raise ValueError("not of the form name:hash")
            if name in users:
                raise ValueError("a user named twice")
            users[name] = PasswordHash.parse(text.decode("ascii").strip())
        except ValueError as error:
            words = "not ASCII" if isinstance(error, UnicodeDecodeError) else str(error).lower()
            problems.append(f"{path}, line {number}: {words}")
    return users, problems


def _stand_in(users: dict[bytes, PasswordHash]) -> PasswordHash:
    """A hash that nothing matches, as costly as those of the file."""
    cost = next(iter(users.values())).cost if users else _COST
    return PasswordHash(cost, b"\0" * 16, b"\0" * 32)


# --- the check ------------------------------------------------------------------------------------------------


class IdentityCheck:
    """Decides on user identities: by ``users`` where a passcode came, else by ``command``, an argument list.

    With neither, whoever names an identity is accepted, unchecked. The program gets one JSON object on standard input
    (``type``, ``kind``, ``primary`` and ``secondary`` in base64, ``user``, the titles, ``address``); exit status 0
    within ``seconds`` accepts, and what it prints is the server's response, sent when the peer asked for one.
    """

    def __init__(
        self,
        users: UserFile | None = None,
        command: Sequence[str] = (),
        *,
        required: bool = False,
        seconds: float = 10.0,
    ) -> None:
        self._users = users
        self._command = tuple(command)
        self._required = required
        self._seconds = seconds
        self._programs = threading.BoundedSemaphore(_MOST_PROGRAMS)

    def check(self, identity: UserIdentity | None, caller: Caller = Caller()) -> Checked:  # noqa: B008 - immutable
        """The verdict. Waits for the hash or the program, and never raises."""
        if identity is None:
            reason = "no user identity was given" if self._required else ""
            return Checked(IdentityDecision(not self._required), "", reason)
        name = identity_name(identity)
        if self._users is not None and identity.identity_type == _USER_AND_PASSCODE:
            is_accepted = self._users.accepts(identity.primary, identity.secondary)
            return Checked(IdentityDecision(is_accepted), name, "" if is_accepted else "unknown user or wrong passcode")
        if self._command:
            return self._ask(identity, name, caller)
        if self._users is None and not self._required:
            return Checked(IdentityDecision(True), f"{name} (not checked)")
        reason = "no passcode was given" if identity.identity_type == _USER_ONLY else "this kind cannot be checked here"
        return Checked(IdentityDecision(False), name, reason)

    def _ask(self, identity: UserIdentity, name: str, caller: Caller) -> Checked:
        """Standard error is dropped: a program that stumbles over a token likes to print it."""
        program = os.path.basename(self._command[0])
        if not self._programs.acquire(timeout=self._seconds):
            return Checked(IdentityDecision(False), name, f"{program}: too many identities to check at once")
        try:
            document = _document(identity, caller)
            ran = run(self._command, document, seconds=self._seconds, keep=_LONGEST_RESPONSE + 1, with_errors=False)
        finally:
            self._programs.release()
        if ran.problem or ran.exit_status != 0:
            return Checked(IdentityDecision(False), name, f"{program}: {ran.problem or f'exit {ran.exit_status}'}")
        if len(ran.output) > _LONGEST_RESPONSE:
            return Checked(IdentityDecision(False), name, f"{program}: a response of over {_LONGEST_RESPONSE} bytes")
        return Checked(IdentityDecision(True, ran.output), name)


def identity_name(identity: UserIdentity) -> str:
    """Who an identity says it is, printable: the user name, or the kind of token and a fingerprint of it."""
    kind = _KINDS.get(identity.identity_type, f"type {identity.identity_type}")
    if kind == "user":
        text = printable(identity.primary.decode("utf-8", "surrogateescape"))
        return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 3] + "..."
    import hashlib

    return f"{kind}:{hashlib.sha256(identity.primary).hexdigest()[:12]}"


def _document(identity: UserIdentity, caller: Caller) -> bytes:
    import base64
    import json

    is_user = identity.identity_type in (_USER_ONLY, _USER_AND_PASSCODE)
    facts = {
        "schema": "dcmnet/1",
        "event": "identity",
        "type": identity.identity_type,
        "kind": _KINDS.get(identity.identity_type, "unknown"),
        "primary": base64.b64encode(identity.primary).decode("ascii"),
        "secondary": base64.b64encode(identity.secondary).decode("ascii"),
        "user": identity.primary.decode("utf-8", "replace") if is_user else None,
        "positive_response_requested": identity.positive_response_requested,
        "calling": printable(caller.calling),
        "called": printable(caller.called),
        "address": printable(caller.address),
    }
    return json.dumps(facts).encode("ascii") + b"\n"
