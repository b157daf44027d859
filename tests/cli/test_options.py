"""DCMTK's options of echoscu are accepted, mean what they mean there, and contradictions are refused."""

import pytest

from dcmnet_cli.cli.options import IdentityOptions, OutputOptions, TimeoutOptions, WaitOptions
from dcmnet_cli.cli.tls_options import TLSAcceptorOptions, TLSCommonOptions, TLSOptions, ask_key_password
from dcmnet_cli.core.pdu import UserIdentity
from dcmnet_cli.errors import DcmnetError, InputError, UsageError
from dcmnet_cli.net.tls_settings import TLSSettings

# From echoscu's own help, 3.6.7 to 3.7.0: short name, long name, values that make sense, what must come with it.
TLA = ("+tla",)
ECHOSCU = [
    ("-q", "--quiet", (), ()),
    ("-v", "--verbose", (), ()),
    ("-d", "--debug", (), ()),
    ("-ll", "--log-level", ("debug",), ()),
    ("-aet", "--aetitle", ("ME",), ()),
    ("-aec", "--call", ("YOU",), ()),
    ("-pts", "--propose-ts", ("38",), ()),
    ("-ppc", "--propose-pc", ("128",), ()),
    ("-to", "--timeout", ("5",), ()),
    ("-ts", "--socket-timeout", ("60",), ()),
    ("-ta", "--acse-timeout", ("30",), ()),
    ("-td", "--dimse-timeout", ("0",), ()),
    ("-pdu", "--max-pdu", ("4096",), ()),
    ("", "--repeat", ("3",), ()),
    ("", "--abort", (), ()),
    ("-i4", "--ipv4", (), ()),
    ("-i6", "--ipv6", (), ()),
    ("-i0", "--ip-auto", (), ()),
    ("-tls", "--disable-tls", (), ()),
    ("+tls", "--enable-tls", ("key.pem", "cert.pem"), ()),
    ("+tla", "--anonymous-tls", (), ()),
    ("+ps", "--std-passwd", (), TLA),
    ("+pw", "--use-passwd", ("secret",), TLA),
    ("-pw", "--null-passwd", (), TLA),
    ("-pem", "--pem-keys", (), TLA),
    ("-der", "--der-keys", (), TLA),
    ("+cf", "--add-cert-file", ("ca.pem",), TLA),
    ("+cd", "--add-cert-dir", ("certs",), TLA),
    ("+crl", "--add-crl-file", ("list.crl",), TLA),
    ("+crv", "--enable-crl-vfy", (), TLA),
    ("+cra", "--enable-crl-all", (), TLA),
    ("+pg", "--profile-8996", (), TLA),
    ("+pm", "--profile-8996-mod", (), TLA),
    ("+py", "--profile-bcp195-nd", (), TLA),
    ("+px", "--profile-bcp195", (), TLA),
    ("+pz", "--profile-bcp195-ex", (), TLA),
    ("+cs", "--cipher", ("TLS_RSA_WITH_AES_128_CBC_SHA",), TLA),
    ("", "--request-sni", ("pacs.example.org",), TLA),
    ("-rc", "--require-peer-cert", (), TLA),
    ("-ic", "--ignore-peer-cert", (), TLA),
    ("+ph", "--list-profiles", (), ()),
    ("+cc", "--list-ciphers", (), ()),
    ("+vc", "--verify-cert", ("cert.pem",), ()),
    ("+rc", "--is-root-cert", ("cert.pem",), ()),
]
SPELLINGS = [(name, *row[2:]) for row in ECHOSCU for name in row[:2] if name]


@pytest.mark.parametrize(("name", "values", "beside"), SPELLINGS, ids=[row[0] for row in SPELLINGS])
def test_echoscu_options_are_accepted(shell, name: str, values: tuple[str, ...], beside: tuple[str, ...]) -> None:
    # Before the peer, between its words and after it: DCMTK takes options anywhere.
    before = shell("echo", *beside, name, *values, "host", "104")
    assert (before.status, before.stderr) == (0, "")
    assert shell("echo", "host", name, *values, "104", *beside) == before
    assert shell("echo", "host", "104", *beside, name, *values) == before


@pytest.mark.parametrize(
    ("words", "verbosity"),
    [
        ((), 0),
        (("-q",), -1),
        (("-v",), 1),
        (("-d",), 2),
        (("-vv",), 2),
        (("-d", "-v"), 2),
        (("-vvv", "-d"), 3),
        (("-ll", "fatal"), -1),
        (("-ll", "error"), -1),
        (("-ll", "warn"), 0),
        (("-ll", "INFO"), 1),
        (("-ll", "debug"), 2),
        (("-ll", "trace"), 3),
    ],
)
def test_one_number_for_all_ways_to_say_how_much_is_shown(shell, words: tuple[str, ...], verbosity: int) -> None:
    status, stdout, stderr = shell("echo", *words, "host", "104")
    assert (status, stderr) == (0, "")
    assert f"verbosity={verbosity}\n" in stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-i4", "-i6"), "-i4 and -i6 contradict each other"),
        (("+tls", "k", "c", "-tls"), "+tls and -tls contradict each other"),
        (("+tls", "k", "c", "+tla"), "+tls and +tla contradict each other"),
        (("+tla", "-tls"), "+tla and -tls contradict each other"),
        (("+tla", "-ic", "-rc"), "-rc and -ic contradict each other"),
        (("+tla", "+px", "+pg"), "+pg and +px contradict each other"),
        (("+tla", "+pw", "x", "-pw"), "-pw and +pw contradict each other"),
        (("-ll", "warn", "-v"), "-ll contradicts -q, -v and -d: it sets the same thing"),
        (("-q", "-d"), "-q contradicts -v and -d"),
        (("-aec", "A", "B@host:104"), '-aec "A" contradicts "B@"'),
        (("-ll", "loud"), '-ll/--log-level: "loud" is not one of fatal, error, warn, info, debug, trace'),
        (("+cf", "ca.pem"), "+cf means nothing without TLS; add +tla, or +tls KEY CERT"),
        (("-ic", "-tls"), "-ic means nothing without TLS; add +tla, or +tls KEY CERT"),
        (("+px",), "+px means nothing without TLS; add +tla, or +tls KEY CERT"),
        (("-pdu", "4095"), "-pdu: 4095 is no PDU length; give 0 (no limit) or 4096 to 4294967295"),
        (("-pdu", "-1"), "-pdu: -1 is no PDU length; give 0 (no limit) or 4096 to 4294967295"),
        (("-to", "0"), "-to: 0 seconds is not a waiting time; give more than 0, at most 1000000"),
        (("-ta", "-3"), "-ta: -3 seconds is not a waiting time; give more than 0, at most 1000000"),
        (("-td", "-1"), "-td: -1 seconds is not a waiting time; give 0 (no limit), or more than 0, at most 1000000"),
        (("-usr", "u", "--jwt", "f"), "-usr and --jwt contradict each other"),
        (("-pwd", "secret"), "-pwd needs a user name: add -usr NAME"),
        (("-rsp",), "-rsp asks for an answer to an identity; give one with -usr, -kt, --saml or --jwt"),
        (("-usr", "u", "-pwd", "p", "-epw"), "-pwd and -epw contradict each other"),
        (("-usr", ""), "-usr: empty"),
        (("--saml", "/nowhere"), "--saml: cannot read /nowhere: No such file or directory"),
    ],
)
def test_what_cannot_be_meant_is_refused(shell, words: tuple[str, ...], message: str) -> None:
    peer = () if any("@" in word for word in words) else ("host", "104")
    assert shell("echo", *words, *peer) == (2, "", f"dcmnet echo: {message}\n")


RULE = "allowed are 1 to 16 printable ASCII characters"


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("SEVENTEEN_LETTERS", f'AE title "SEVENTEEN_LETTERS" has 17 characters; {RULE}'),
        ("", f'AE title "" is empty; {RULE}'),
        ("   ", f'AE title "   " is empty; {RULE}'),
        ("A\\B", f'AE title "A\\\\B" holds a backslash, which separates values in DICOM; {RULE}'),
        ("A\tB", f'AE title "A\\x09B" holds a control character; {RULE}'),
        ("MÜNSTER", f'AE title "MÜNSTER" holds a character outside ASCII; {RULE}'),
    ],
)
@pytest.mark.parametrize("option", ["-aet", "-aec"])
def test_a_title_that_cannot_be_sent_is_quoted_with_the_rule(shell, option: str, title: str, message: str) -> None:
    assert shell("echo", option, title, "host", "104") == (2, "", f"dcmnet echo: {option}: {message}\n")


@pytest.mark.parametrize("title", ["A", "SIXTEEN_LETTERS_", "with space", "-v", "a@b"])
def test_every_other_title_is_taken_as_it_is(shell, title: str) -> None:
    assert f"called={title!r}\n" in shell("echo", "-aec", title, "host", "104").stdout


def test_zero_is_no_limit_for_the_dimse_timer_only(shell) -> None:
    assert "dimse=None, release=10.0" in shell("echo", "-td", "0", "host", "104").stdout


def test_timers_have_the_names_of_the_settings() -> None:
    options = TimeoutOptions(1.0, WaitOptions(2.0, 3.0, 4.0, 5.0))
    assert options.given() == {"connect": 1.0, "acse": 2.0, "dimse": 3.0, "write": 4.0, "release": 5.0}
    assert TimeoutOptions().given() == {}


def test_quiet_and_loud_are_no_verbosity() -> None:
    with pytest.raises(UsageError, match="-q contradicts"):
        _ = OutputOptions(quiet=True, verbose=1).verbosity


class TestIdentity:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        return tmp_path

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (IdentityOptions(), None),
            (IdentityOptions(user="anna"), UserIdentity(1, b"anna")),
            (IdentityOptions(user="jürg", pos_response=True), UserIdentity(1, b"j\xc3\xbcrg", b"", True)),
            (IdentityOptions(user="anna", password="pw"), UserIdentity(2, b"anna", b"pw")),
            (IdentityOptions(user="anna", password=""), UserIdentity(2, b"anna", b"")),
            (IdentityOptions(user="anna", empty_password=True), UserIdentity(2, b"anna", b"")),
        ],
    )
    def test_user_and_password(self, options: IdentityOptions, expected: UserIdentity | None) -> None:
        assert options.identity() == expected

    def test_password_from_a_file_is_its_first_line(self, folder) -> None:
        (folder / "pw").write_bytes(b"one two\r\nnot this\n")
        assert IdentityOptions(user="u", password_file="pw").identity() == UserIdentity(2, b"u", b"one two")

    def test_password_from_the_environment(self, monkeypatch) -> None:
        monkeypatch.setenv("PACS_PASSWORD", "from env")
        assert IdentityOptions(user="u", password_env="PACS_PASSWORD").identity() == UserIdentity(2, b"u", b"from env")

    def test_a_variable_that_is_not_set_is_an_error(self) -> None:
        with pytest.raises(UsageError, match="--password-env: the environment has no variable NOT_SET_AT_ALL"):
            IdentityOptions(user="u", password_env="NOT_SET_AT_ALL").identity()

    def test_nobody_to_ask_is_an_error(self, shell) -> None:
        assert shell("echo", "-usr", "u", "--ask-password", "host", "104") == (
            2,
            "",
            "dcmnet echo: --ask-password: standard input is no terminal to ask at; use a file or the environment\n",
        )

    @pytest.mark.parametrize(
        ("field", "number", "sent"), [("kerberos", 3, b" t\n"), ("saml", 4, b" t\n"), ("jwt", 5, b"t")]
    )
    def test_tickets_and_tokens_come_from_files(self, folder, field: str, number: int, sent: bytes) -> None:
        (folder / "token").write_bytes(b" t\n")
        assert IdentityOptions(**{field: "token"}).identity() == UserIdentity(number, sent)

    @pytest.mark.parametrize(
        ("content", "error", "message"),
        [
            (b"\n", InputError, "--jwt: token is empty"),
            (b"x" * 65536, UsageError, "--jwt: 65536 bytes; an identity has room for 65535"),
        ],
    )
    def test_a_token_that_cannot_be_sent(self, folder, content: bytes, error: type[DcmnetError], message: str) -> None:
        (folder / "token").write_bytes(content)
        with pytest.raises(error, match=message):
            IdentityOptions(jwt="token").identity()

    def test_a_password_never_shows(self, shell) -> None:
        status, stdout, stderr = shell("echo", "-usr", "u", "-pwd", "hunter2", "host", "104")
        assert status == 0
        assert "hunter2" not in stdout + stderr


class TestTLS:
    def test_off_unless_asked_for(self) -> None:
        assert TLSOptions().settings(None) is None
        assert TLSOptions().settings(TLSSettings()) == TLSSettings()
        assert TLSOptions(common=TLSCommonOptions(disable_tls=True)).settings(TLSSettings()) is None

    def test_own_key_and_certificate(self) -> None:
        settings = TLSOptions(common=TLSCommonOptions(enable_tls=("k", "c"))).settings(None)
        assert settings == TLSSettings(key_file="k", certificate_file="c", key_password=ask_key_password)

    def test_anonymous_forgets_the_key_of_the_node(self) -> None:
        node = TLSSettings(key_file="k", certificate_file="c", key_password="x", ca_files=("ca",))
        assert TLSOptions(anonymous_tls=True).settings(node) == TLSSettings(ca_files=("ca",))

    def test_typed_values_replace_those_of_the_node_one_by_one(self) -> None:
        node = TLSSettings(key_file="k", certificate_file="c", ca_files=("node.pem",), server_name="node")
        common = TLSCommonOptions(ca_files=["a", "b"], crl_files=["r"], crl_chain=True, ciphers=["S"])
        assert TLSOptions(common=common).settings(node) == TLSSettings(
            key_file="k",
            certificate_file="c",
            ca_files=("a", "b"),
            crl_files=("r",),
            crl_check="chain",
            server_name="node",
            ciphers=("S",),
        )

    @pytest.mark.parametrize(
        ("common", "change"),
        [
            (TLSCommonOptions(ignore_peer_cert=True), {"verify": "ignore"}),
            (TLSCommonOptions(crl_leaf=True), {"crl_check": "leaf"}),
            (TLSCommonOptions(use_passwd="pw"), {"key_password": "pw"}),
            (TLSCommonOptions(null_passwd=True), {"key_password": ""}),
            (TLSCommonOptions(tls_profile="8996-mod"), {"profile": "8996-mod"}),
            (TLSCommonOptions(profile_8996_mod=True), {"profile": "8996-mod"}),
            (TLSCommonOptions(profile_bcp195=True), {"profile": "bcp195"}),
            (TLSCommonOptions(profile_bcp195_nd=True), {"profile": "bcp195-nd"}),
            (TLSCommonOptions(profile_bcp195_ex=True), {"profile": "bcp195-ex"}),
            (TLSCommonOptions(ca_dirs=["d"]), {"ca_dirs": ("d",)}),
        ],
    )
    def test_each_option_changes_its_own_setting(self, common: TLSCommonOptions, change: dict[str, object]) -> None:
        assert TLSOptions(common=common).settings(TLSSettings()) == TLSSettings()._replace(**change)

    def test_names(self) -> None:
        options = TLSOptions(anonymous_tls=True, server_name="pacs", no_hostname_check=True)
        assert options.settings(None) == TLSSettings(server_name="pacs", check_hostname=False)

    def test_a_node_that_is_not_verified_can_be_verified_again(self) -> None:
        options = TLSOptions(common=TLSCommonOptions(require_peer_cert=True))
        assert options.settings(TLSSettings(verify="ignore")) == TLSSettings()

    def test_an_unknown_profile_is_refused_by_name(self) -> None:
        with pytest.raises(UsageError, match='"bcp999" is none of 8996'):
            TLSOptions(anonymous_tls=True, common=TLSCommonOptions(tls_profile="bcp999")).settings(None)

    @pytest.mark.parametrize(
        ("options", "settings"),
        [
            (TLSAcceptorOptions(), None),
            (TLSAcceptorOptions(TLSCommonOptions(disable_tls=True)), None),
            (
                TLSAcceptorOptions(TLSCommonOptions(enable_tls=("k", "c")), verify_peer_cert=True),
                TLSSettings("k", "c", ask_key_password, verify="verify-if-present"),
            ),
            (
                TLSAcceptorOptions(TLSCommonOptions(enable_tls=("k", "c"), ignore_peer_cert=True), expect_sni="me"),
                TLSSettings("k", "c", ask_key_password, verify="ignore", server_name="me"),
            ),
        ],
    )
    def test_the_acceptor(self, options: TLSAcceptorOptions, settings: TLSSettings | None) -> None:
        assert options.settings() == settings

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (TLSAcceptorOptions(verify_peer_cert=True), "-vc means nothing without TLS; add .tls KEY CERT"),
            (TLSAcceptorOptions(TLSCommonOptions(ca_files=["a"])), ".cf means nothing without TLS"),
            (TLSAcceptorOptions(TLSCommonOptions(ignore_peer_cert=True), True), "-vc and -ic contradict each other"),
        ],
    )
    def test_the_acceptor_refuses(self, options: TLSAcceptorOptions, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            options.settings()


@pytest.mark.parametrize("option", ["+ph", "+cc"])
def test_lists_need_no_peer(shell, option: str) -> None:
    status, stdout, stderr = shell("echo", option)
    assert (status, stderr) == (0, "")
    assert stdout.startswith("8996\t")


def test_a_certificate_is_looked_at_without_a_peer(shell) -> None:
    assert shell("echo", "+vc", "cert.pem") == (0, "TLSCheckOptions(verify_cert='cert.pem', is_root_cert=None)\n", "")
