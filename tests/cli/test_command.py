"""How words are read: DCMTK's spellings, and refusals that name the word as it was typed."""

import pytest

LISTEN = ("listen", "104")


def test_families_arrive_filled(shell) -> None:
    status, stdout, stderr = shell(
        "echo", "-aet", "ME", "-aec=YOU", "--max-pdu=16384", "-to", "2.5", "-i6", "host", "104"
    )
    assert (status, stderr) == (0, "")
    assert "host='host'\nport=104\ncalled='YOU'\ncalling='ME'\nfamily='6'\nmax_pdu=16384\n" in stdout
    assert "timeouts=Timeouts(connect=2.5, acse=30.0, dimse=60.0, release=10.0, write=60.0)" in stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-aex", "Q"), 'no such option "-aex"; did you mean -aec or -aet?'),
        (("-pud", "4"), 'no such option "-pud"; did you mean -pdu or -pwd?'),
        (("--aetitel", "Q"), 'no such option "--aetitel"; did you mean --aetitle?'),
        (("--aeti=Q",), 'no such option "--aeti=Q"; did you mean --aetitle or -aet?'),
        (
            ("--passwrod=sesame",),
            'no such option "--passwrod=..."; did you mean --ask-password, --password or --password-env?',
        ),
        (("-pwdsesame1",), 'no such option "-pwd..."; a value stands apart from its option'),
        (("-AEC", "Q"), 'no such option "-AEC"; did you mean -aec or -aet?'),
        (("-vd",), 'no such option "-vd"; options stand apart: -v -d'),
        (("-vqd",), 'no such option "-vqd"; options stand apart: -v -q -d'),
        (("-qd",), 'no such option "-qd"; options stand apart: -q -d'),
        (("-zzz",), 'no such option "-zzz"'),
        (("+nonsense",), 'no such option "+nonsense"'),
        (("-v=2",), "-v takes no value"),
        (("-to",), "-to needs SECONDS"),
        (("+tls", "key.pem"), "+tls needs KEY CERT"),
        (("-to", "soon"), '-to/--timeout: "soon" is not a number'),
        (("-to", "nan"), '-to/--timeout: "nan" is not a number'),
        (("-pdu", "1_6384"), '-pdu/--max-pdu: "1_6384" is not a whole number'),
        (("-pdu", "٤٠٩٦"), '-pdu/--max-pdu: "٤٠٩٦" is not a whole number'),
    ],
)
def test_a_word_that_is_no_option_is_refused_whole(shell, words: tuple[str, ...], message: str) -> None:
    assert shell("echo", *words) == (2, "", f"dcmnet echo: {message}\n")


def test_clusters_are_refused_even_if_every_letter_is_a_flag(shell) -> None:
    status, stdout, stderr = shell(*LISTEN, "-pu")
    assert (status, stdout) == (2, "")
    assert stderr.startswith('dcmnet listen: no such option "-pu"')


@pytest.mark.parametrize(("words", "verbosity"), [(("-vv",), 2), (("-v", "-v", "-v"), 3), (("-vvvvv",), 3)])
def test_only_repeated_v_may_cluster(shell, words: tuple[str, ...], verbosity: int) -> None:
    status, stdout, _ = shell("echo", *words, "host", "104")
    assert status == 0
    assert f"verbosity={verbosity}\n" in stdout


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("-x=", "+sd", "a.dcm"), "['a.dcm'] None True True False 0"),
        (("--propose-uncompr", "a.dcm"), "['a.dcm'] None True False False 0"),
        (("+1.dcm", "-1"), "['+1.dcm', '-1'] None False False False 0"),
        (("-", "+"), "['-', '+'] None False False False 0"),
        (("-k", "A=b", "-k=C=d", "--key=E=f"), "[] ['A=b', 'C=d', 'E=f'] False False False 0"),
        (("-k", "-v", "-k", "--"), "[] ['-v', '--'] False False False 0"),
        (("a", "-v", "b", "+r"), "['a', 'b'] None False False True 1"),
        (("+r", "-r"), "[] None False False False 0"),
        (("-v", "--", "-v", "+sd", "--", "-x="), "['-v', '+sd', '--', '-x='] None False False False 1"),
    ],
)
def test_words_reach_the_command_as_in_dcmtk(shell, words: tuple[str, ...], shown: str) -> None:
    assert shell("store", "host", "104", *words) == (0, f"host 104 {shown}\n", "")


def test_a_value_attached_to_its_option_is_refused_with_the_right_spelling(shell) -> None:
    assert shell("store", "-kA=b", "host", "104") == (
        2,
        "",
        'dcmnet store: no such option "-kA=b"; a value stands apart from its option: -k A=b\n',
    )


def test_a_file_that_looks_like_an_option_is_named_as_such(shell, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "+abc.dcm").touch()
    assert shell("store", "host", "104", "+abc.dcm") == (
        2,
        "",
        'dcmnet store: no such option "+abc.dcm"; the file of that name is given as ./+abc.dcm, or after --\n',
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("listen",), "PORT is missing: the port to listen on"),
        (("listen", "1", "2"), 'unexpected argument "2"'),
        (("listen", "x"), 'PORT: "x" is not a whole number'),
        (("echo",), "PEER is missing: HOST PORT, HOST:PORT, AET@HOST:PORT, [IPv6]:PORT or a node's name"),
        (("echo", "host", "104", "105"), 'unexpected argument "105"'),
    ],
)
def test_arguments_that_lack_or_abound(shell, words: tuple[str, ...], message: str) -> None:
    assert shell(*words) == (2, "", f"dcmnet {words[0]}: {message}\n")


@pytest.mark.parametrize(
    "words", [("-lc", "log.cfg"), ("+rs", "seed"), ("--write-seed",), ("+pa",), ("--profile-null",), ("--no-sni",)]
)
def test_what_is_refused_on_purpose_says_what_to_do_instead(shell, words: tuple[str, ...]) -> None:
    status, stdout, stderr = shell("echo", *words, "host", "104")
    assert (status, stdout) == (2, "")
    assert stderr.startswith(f"dcmnet echo: {words[0]} is not supported: ")
    assert "use " in stderr or "leave it out" in stderr
    assert stderr.count("\n") == 1


def test_escape_sequences_in_words_do_not_reach_the_terminal(shell) -> None:
    assert shell("echo", "-\x1b[31m") == (2, "", 'dcmnet echo: no such option "-\\x1b[31m"\n')


@pytest.mark.parametrize("command", ["echo", "store", "listen", "fail", "spill"])
def test_every_command_loads_when_asked_for_help(shell, command: str) -> None:
    status, stdout, stderr = shell(command, "--help", "--bogus")
    assert (status, stderr) == (0, "")
    assert f"Usage: dcmnet {command}" in stdout


def test_families_in_families_keep_their_place_among_other_options(shell) -> None:
    assert shell(*LISTEN, "-aet", "STORE", "-ta", "5", "-p", "-i4")[:2] == (
        0,
        "104 STORE 4 {'acse': 5.0} None True False\n",
    )
