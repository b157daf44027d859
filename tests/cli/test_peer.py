import pytest

from dcmnet_cli.cli.config import Configuration, Node
from dcmnet_cli.cli.peer import Peer, only_peer, take_peer
from dcmnet_cli.errors import UsageError

ARCHIVE = Node("pacs.example.org", 11112, "ARCHIVE1")
NODES = Configuration("/etc/dcmnet.toml", True, {"archive1": ARCHIVE, "archive2": Node("10.0.0.2", 104)})
NOTHING = Configuration("/etc/dcmnet.toml")
FORMS = "HOST PORT, HOST:PORT, AET@HOST:PORT, [IPv6]:PORT or a node's name"


@pytest.mark.parametrize(
    ("words", "peer"),
    [
        (["host", "104"], Peer("host", 104)),
        (["10.1.2.3", "65535"], Peer("10.1.2.3", 65535)),
        (["host:1"], Peer("host", 1)),
        (["PACS@host:104"], Peer("host", 104, "PACS")),
        (["A@B@host:104"], Peer("host", 104, "A@B")),
        (["MY PACS@host:104"], Peer("host", 104, "MY PACS")),
        (["PACS@host", "104"], Peer("host", 104, "PACS")),
        (["[::1]:104"], Peer("::1", 104)),
        (["PACS@[2001:db8::7]:104"], Peer("2001:db8::7", 104, "PACS")),
        (["[fe80::1%eth0]:104"], Peer("fe80::1%eth0", 104)),
        (["[::1]", "104"], Peer("::1", 104)),
        (["::1", "104"], Peer("::1", 104)),
        (["archive1"], Peer("pacs.example.org", 11112, "", ARCHIVE)),
        (["OTHER@archive1"], Peer("pacs.example.org", 11112, "OTHER", ARCHIVE)),
        (["archive1:104"], Peer("archive1", 104)),
        (["pacs_1.lan.:0104"], Peer("pacs_1.lan.", 104)),
    ],
)
def test_every_way_to_name_a_peer(words: list[str], peer: Peer) -> None:
    assert only_peer(words, NODES) == peer


@pytest.mark.parametrize(
    ("words", "rest"),
    [
        (["host", "104", "a.dcm", "105"], ["a.dcm", "105"]),
        (["host:104", "a.dcm"], ["a.dcm"]),
        (["archive1", "a.dcm", "104"], ["a.dcm", "104"]),
        (["archive1", "./104"], ["./104"]),
        (["host", "104"], []),
    ],
)
def test_what_follows_the_peer_is_handed_back(words: list[str], rest: list[str]) -> None:
    assert take_peer(words, NODES)[1] == rest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], f"PEER is missing: {FORMS}"),
        (["host", "0"], 'port: "0" is not a port; give a number from 1 to 65535'),
        (["host", "65536"], 'port: "65536" is not a port; give a number from 1 to 65535'),
        (["host:dicom"], 'port: "dicom" is not a port; give a number from 1 to 65535'),
        (["host:"], 'port: "" is not a port; give a number from 1 to 65535'),
        (["host:99999999999999999999"], 'port: "99999999999999999999" is not a port; give a number from 1 to 65535'),
        (["host:١٠٤"], 'port: "١٠٤" is not a port; give a number from 1 to 65535'),
        (["[::1]:x"], 'port: "x" is not a port; give a number from 1 to 65535'),
        (["::1"], '"::1": an IPv6 address needs brackets before its port, as in [::1]:104'),
        (["2001:db8::7:104"], '"2001:db8::7:104": an IPv6 address needs brackets before its port, as in [::1]:104'),
        (["[host]:104"], '"[host]:104": between brackets stands an IPv6 address, as in [::1]:104'),
        (["[]:104"], '"[]:104": between brackets stands an IPv6 address, as in [::1]:104'),
        ([":104"], f'":104" has no host; give {FORMS}'),
        ([""], f'"" has no host; give {FORMS}'),
        (["PACS@:104"], f'":104" has no host; give {FORMS}'),
        (["http://pacs:104"], f'"http://pacs:104" is not a host; give {FORMS}'),
        (["ho st", "104"], f'"ho st" is not a host; give {FORMS}'),
        (["host\x1b", "104"], f'"host\\x1b" is not a host; give {FORMS}'),
        (
            ["@host:104"],
            'peer: AE title "" is empty; allowed are 1 to 16 printable ASCII characters',
        ),
        (["host:104", "105"], '"host:104" has its port already; leave out 105 (a file is given as ./105)'),
        (["archive1", "104"], '"archive1" has its port already; leave out 104 (a file is given as ./104)'),
        (["host:104", "x"], 'unexpected argument "x"'),
        (
            ["archive3"],
            '"archive3" has no port, and is no node in /etc/dcmnet.toml; did you mean archive1 or archive2?',
        ),
        (
            ["archvie1", "a.dcm"],
            '"a.dcm" is not a port, and "archvie1" is no node in /etc/dcmnet.toml; did you mean archive1 or archive2?',
        ),
    ],
)
def test_every_mistake_has_its_own_sentence(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        only_peer(words, NODES)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pacs"], f'"pacs" has no port, and is no node in /etc/dcmnet.toml, which does not exist; give {FORMS}'),
        (["pacs", "x"], 'port: "x" is not a port; give a number from 1 to 65535'),
    ],
)
def test_without_a_configuration_it_says_where_one_was_looked_for(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        only_peer(words, NOTHING)
    assert caught.value.message == message
