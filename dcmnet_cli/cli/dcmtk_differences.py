"""Where our commands part from DCMTK's tools on purpose: what a refused option says, what the man pages list."""

from typing import NamedTuple


class Difference(NamedTuple):
    """``tool`` names DCMTK's programs. ``option`` has the spellings of an option that is refused, with commas between,
    or says in words what else differs. ``reason`` says how ours differs or why, ``instead`` what to do. What begins
    with "leave it out" can be left out of a line without loss.
    """

    tool: str
    option: str
    reason: str
    instead: str

    @property
    def spellings(self) -> tuple[str, ...]:
        """The words that are refused, none where ``option`` is a description."""
        words = self.option.split(", ")
        return tuple(words) if all(word[0] in "-+" and " " not in word for word in words) else ()

    @property
    def sentence(self) -> str:
        """What differs and what to do."""
        return f"{self.reason}; {self.instead}"


def _each(tool: str, *rows: tuple[str, str, str]) -> tuple[Difference, ...]:
    return tuple(Difference(tool, *row) for row in rows)


_LOG = ("-lc, --log-config", "log configurations of DCMTK are not read", "use -v or -d, and redirect stderr to a file")
_GENERAL = (_LOG, ("--arguments", "the shell can show them", "use set -x, or echo"))
_RETIRED = ("this security profile is retired and not secure", "use +pg, or +px for a peer that is very old")
_SEED = ("random numbers come from the operating system", "leave it out")
_TLS = (
    ("+pa, --profile-aes", *_RETIRED),
    ("+pb, --profile-basic", *_RETIRED),
    ("+pn, --profile-null", *_RETIRED),
    ("+rs, --seed", *_SEED),
    ("+ws, --write-seed", *_SEED),
    ("+wf, --write-seed-file", *_SEED),
    ("--no-sni", "the name of the host is always sent, or that of --server-name", "leave it out"),
)
_CERTIFICATE = (
    "certificates, with +tls or +tla",
    "the name in the peer's certificate is checked as well",
    "use --no-hostname-check to take any name",
)
_TLS_ACCEPTOR = (
    *_TLS,
    ("+dp, --dhparam", "keys are agreed on elliptic curves, which need no parameters", "leave it out"),
)
_STATUS = (
    "exit status",
    "0 means that everything asked for was done, 1 that some of it was, 2 to 11 name the layer that failed",
    "adapt scripts that look at it",
)
_CONNECT = ("without -to", "the connection is waited for 10 s at most", "use -to SECONDS")
_SILENCE = ("without -td", "an answer is waited for 60 s at most", "use -td SECONDS, or -td 0 to wait for ever")
_TITLE = (
    "without -aet",
    "our own title is DCMNET, or what the configuration says",
    "use -aet with the title of the tool",
)
_REQUESTOR = (*_GENERAL, _STATUS, _CONNECT, _SILENCE, _TITLE)

_AS_SENT = ("objects go out as their files hold them", "convert the files with another program, such as dcmconv")
_AS_CAME = ("objects are written as they came", "convert the files with another program, such as dcmconv")
_LEVEL = ("+cl, --compression-level", "zlib's default level is used", "leave it out")
_STORING = (
    ("-u, --disable-new-vr", *_AS_SENT),
    _LEVEL,
    (
        "-xf, --config-file",
        "negotiation profiles are not read",
        "leave it out, what the files hold is proposed; or use one of -x?",
    ),
)
_WRITING = (
    (
        "-F, --write-dataset",
        "files are written with their meta information, as all readers expect",
        "use dcmconv -F where a bare data set is needed",
    ),
    ("+tb, --write-xfer-big", "big endian is retired", "use +te"),
    ("-u, --disable-new-vr", *_AS_CAME),
    ("+g, --group-length-create", *_AS_CAME),
    ("-g, --group-length-remove", *_AS_CAME),
    ("-e, --length-undefined", *_AS_CAME),
    ("+p, --padding-create", *_AS_CAME),
    _LEVEL,
)
_HOSTS = ("+ac, --access-control", "hosts.allow is not read", "use --allow NETWORK")
_NAMES = ("without +uf and -tn", "files are called <UID>.dcm", "use --modality-names for CT.<UID> and the like")
_DUPLICATES = (
    "objects that are there already",
    "the same bytes are not written again, and others of that name get a name of their own",
    "use --on-duplicate overwrite",
)
_FILES = (_NAMES, _DUPLICATES)
_BIG_REQUEST = ("-xb, --propose-big", "requests are written in little endian", "use -xe or -xi")
_STUDY = ("the model as --study", "here it takes a Study Instance UID, and means that key", "use -S or --study-root")
_ROOT = ("without -P, -S and -O", "the study root model is used", "use -P")

DIFFERENCES: dict[str, tuple[Difference, ...]] = {
    "echo": _each("echoscu", *_REQUESTOR, *_TLS, _CERTIFICATE),
    "store": (
        *_each(
            "storescu, dcmsend",
            *_REQUESTOR,
            ("without +sd and +r", "folders are looked through, with their sub-folders", "use -sd, or -r"),
            (
                "files that are no DICOM",
                "they are skipped and counted, and stop nothing",
                "use --dry-run to see what would be sent",
            ),
        ),
        *_each(
            "storescu",
            *_STORING,
            *_TLS,
            _CERTIFICATE,
            ("without -nh", "a failed instance does not stop the others", "use --halt"),
            (
                "without -x? and -R",
                "what the files hold is proposed, and uncompressed",
                "use -x= for uncompressed only",
            ),
        ),
        *_each(
            "dcmsend",
            _LEVEL,
            (
                "-ma, --single-association",
                "an association carries 128 presentation contexts, and what needs more gets another one",
                "use --group none, which takes as few as possible",
            ),
            ("a file that cannot be sent, without -nh", "it does not stop the others", "use --halt"),
            ("the report of +crf", "it is JSON, with the outcome of every file", "use a JSON reader"),
        ),
    ),
    "find": _each(
        "findscu",
        *_REQUESTOR,
        *_TLS,
        _CERTIFICATE,
        _BIG_REQUEST,
        _STUDY,
        ("without -W, -P, -S and -O", "the study root model is used, not the worklist", "use -W"),
        (
            "the keys of -k",
            "the level and the keys that make a table are added",
            "use --verbatim to send what was typed",
        ),
        (
            "answers on the screen",
            "they are a table, or a line each in a pipe",
            "use --json, --ndjson, --csv or -Xx for all of them",
        ),
    ),
    "move": _each(
        "movescu",
        *_REQUESTOR,
        *_TLS_ACCEPTOR,
        _CERTIFICATE,
        _BIG_REQUEST,
        _STUDY,
        _ROOT,
        _HOSTS,
        *_WRITING,
        *_FILES,
        ("without -aem", "the destination is our own title, and only together with +P or --here", "use -aem AE"),
        ("-od without +P", "it listens here, as --here does", "use +P and -od only to receive here"),
    ),
    "get": _each("getscu", *_REQUESTOR, *_TLS, _CERTIFICATE, _BIG_REQUEST, _STUDY, _ROOT, *_FILES),
    "listen": (
        *_each(
            "storescp, dcmrecv, dcmqrscp",
            *_GENERAL,
            *_TLS_ACCEPTOR,
            (
                "without -td",
                "an association that is silent for 60 s in the middle of a message is aborted",
                "use -td 0",
            ),
        ),
        *_each(
            "storescp, dcmrecv",
            (
                "-xf, --config-file",
                "negotiation profiles are not read",
                "leave it out, everything is taken; or use --only, --prefer and +xi",
            ),
            ("without -od", "objects are not taken, C-ECHO alone is answered", "use -od ."),
            *_FILES,
        ),
        *_each("storescp, dcmqrscp", _HOSTS, *_WRITING),
        *_each(
            "storescp",
            ("+uc, --convert-un", *_AS_CAME),
            (
                "the commands of -xcr and -xcs",
                "they run without a shell, so nothing that a peer sends is read by one",
                "use sh -c '...' hook '#p/#f', or a script, where one is needed",
            ),
            ("-id, --inetd", "a listener binds its port itself", "use a service manager to start it"),
            ("--forked-child", "there are no forked children", "leave it out"),
            (
                "-rns, --rename-on-eostudy",
                "names are made on arrival and stay, as hooks and indexes rely on them",
                "use --name '{StudyInstanceUID}/{sequence:06}.dcm'",
            ),
            ("without +xa and +x?", "every transfer syntax is taken", "use +xi for implicit VR alone"),
            ("without -pm", "every SOP class is taken", "use --only CLASS"),
        ),
        *_each(
            "dcmrecv",
            (
                "the names of +fst",
                "they have no dot within the time, as those of storescp -tn",
                "use --name for others",
            ),
            ("the title of -aet", "any called title is accepted all the same", "use --called AE to check it"),
        ),
        *_each(
            "dcmqrscp",
            (
                "-c",
                "its configuration file is not read here",
                'use dcmnet compat "dcmqrscp -c FILE", which makes options of it',
            ),
            (
                "the file of --config",
                "it names a configuration of dcmnet",
                'use dcmnet compat "dcmqrscp -c FILE" to make options of dcmqrscp\'s',
            ),
            ("-xs for JPEG lossless", "it is storescp's --exec-sync here", "use --propose-lossless"),
            (
                "-xf, --assoc-config-file",
                "negotiation profiles are not read",
                "leave it out, everything is taken; or use --only, --prefer and +xi",
            ),
            ("--require-find", "every model is offered for itself", "leave it out, or use --disable-get"),
            ("--no-parallel-store", "any number of peers may store at once", "use --max-associations 1"),
            ("--allow-shutdown", "no peer can stop a listener", "send it SIGTERM, or use --count or --idle-exit"),
            ("-ZV, --move-vendor", "there is no table of vendors", "use -ZA or -ZH"),
            ("+A7, --convert-to-ascii", "answers keep all their letters", "leave it out, or use +U8 or +L1"),
            ("-Ct, --transliterate", "answers keep all their letters", "leave it out, or use +U8 or +L1"),
            ("-Cd, --discard-illegal", "answers keep all their letters", "leave it out, or use +U8 or +L1"),
            (
                "--request-sni",
                "a destination with TLS is a node with a name of its own",
                "use [nodes.NAME.tls] in the configuration",
            ),
        ),
    ),
}


def differences(command: str, tool: str = "") -> tuple[Difference, ...]:
    """Those of one of our commands, from one tool or from all of its tools."""
    return tuple(each for each in DIFFERENCES.get(command, ()) if not tool or tool in each.tool.split(", "))


def refusal(command: str, word: str, tool: str = "") -> Difference | None:
    """What to say about a word that ``command`` does not take as an option, None where DCMTK has none such either."""
    return next((each for each in differences(command, tool) if word in each.spellings), None)
