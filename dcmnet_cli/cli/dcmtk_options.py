"""Every option of DCMTK's network tools that have a counterpart here (3.6.7 to 3.7.0), and that counterpart."""

from functools import cache
from typing import NamedTuple

from dcmnet_cli.cli.dcmtk_tools import COMMANDS


class Option(NamedTuple):
    """One option: ``short`` is "" where it has none, ``values`` how many words follow."""

    short: str
    long: str
    values: int = 0


_REQUESTORS = "echoscu storescu dcmsend findscu movescu getscu"
_RECEIVERS = "movescu getscu storescp dcmrecv dcmqrscp"
_WITH_TLS = "echoscu storescu findscu movescu getscu storescp dcmrecv dcmqrscp"
_TABLE = (
    (
        " ".join(COMMANDS),
        "-h/--help --version --arguments -q/--quiet -v/--verbose -d/--debug -ll/--log-level:1 -lc/--log-config:1 "
        "-ta/--acse-timeout:1 -td/--dimse-timeout:1 -pdu/--max-pdu:1 -i4/--ipv4 -i6/--ipv6 -i0/--ip-auto",
    ),
    (f"{_REQUESTORS} storescp dcmrecv", "-aet/--aetitle:1"),
    (_REQUESTORS, "-aec/--call:1"),
    (f"{_REQUESTORS} dcmqrscp", "-to/--timeout:1"),
    ("echoscu storescu findscu storescp", "-ts/--socket-timeout:1"),
    ("echoscu storescu findscu movescu getscu", "--repeat:1 --abort"),
    (
        _WITH_TLS,
        "-tls/--disable-tls +tls/--enable-tls:2 +ps/--std-passwd +pw/--use-passwd:1 -pw/--null-passwd -pem/--pem-keys "
        "-der/--der-keys +cf/--add-cert-file:1 +cd/--add-cert-dir:1 +crl/--add-crl-file:1 +crv/--enable-crl-vfy "
        "+cra/--enable-crl-all +py/--profile-bcp195-nd +px/--profile-bcp195 +pz/--profile-bcp195-ex +pa/--profile-aes "
        "+pn/--profile-null +pb/--profile-basic +pg/--profile-8996 +pm/--profile-8996-mod +ph/--list-profiles "
        "+cc/--list-ciphers +cs/--cipher:1 +rs/--seed:1 +ws/--write-seed +wf/--write-seed-file:1 "
        "-rc/--require-peer-cert -ic/--ignore-peer-cert --no-sni",
    ),
    ("echoscu storescu findscu getscu", "+tla/--anonymous-tls"),
    ("echoscu storescu findscu movescu getscu dcmqrscp", "--request-sni:1"),
    (
        "movescu storescp dcmrecv dcmqrscp",
        "-dhl/--disable-host-lookup +dp/--dhparam:1 --expect-sni:1 -vc/--verify-peer-cert",
    ),
    ("echoscu", "-pts/--propose-ts:1 -ppc/--propose-pc:1 +vc/--verify-cert:1 +rc/--is-root-cert:1"),
    ("storescu dcmsend getscu storescp dcmrecv", "+v/--verbose-pc"),
    (
        "storescu dcmsend",
        "+f/--read-file +fo/--read-file-only -f/--read-dataset +sd/--scan-directories +sp/--scan-pattern:1 "
        "-r/--no-recurse +r/--recurse --max-send-pdu:1 -nh/--no-halt",
    ),
    (
        "storescu",
        "-rn/--no-rename +rn/--rename -R/--required +C/--combine -usr/--user:1 -pwd/--password:1 -epw/--empty-password "
        "-kt/--kerberos:1 --saml:1 --jwt:1 -rsp/--pos-response +II/--invent-instance +IR/--invent-series:1 "
        "+IS/--invent-study:1 +IP/--invent-patient:1",
    ),
    (
        "dcmsend",
        "--list-decoders +rd/--read-from-dicomdir -dn/--decompress-never +dls/--decompress-lossless "
        "+dly/--decompress-lossy -nip/--no-illegal-proposal -nuc/--no-uid-checks +ma/--multi-associations "
        "-ma/--single-association +crf/--create-report-file:1",
    ),
    ("storescu storescp dcmrecv", "-xf/--config-file:2"),
    (
        "storescu findscu movescu getscu dcmqrscp",
        "-x=/--propose-uncompr -xe/--propose-little -xb/--propose-big -xi/--propose-implicit -xd/--propose-deflated",
    ),
    (
        "storescu dcmqrscp",
        "-xs/--propose-lossless -xy/--propose-jpeg8 -xx/--propose-jpeg12 -xv/--propose-j2k-lossless "
        "-xw/--propose-j2k-lossy -xt/--propose-jls-lossless -xu/--propose-jls-lossy -xm/--propose-mpeg2 "
        "-xh/--propose-mpeg2-high -xn/--propose-mpeg4 -xl/--propose-mpeg4-bd -x2/--propose-mpeg4-2-2d "
        "-x3/--propose-mpeg4-2-3d -xo/--propose-mpeg4-2-st -x4/--propose-hevc -x5/--propose-hevc10 -xr/--propose-rle",
    ),
    (
        "movescu getscu storescp dcmqrscp",
        "+x=/--prefer-uncompr +xe/--prefer-little +xb/--prefer-big +xs/--prefer-lossless +xy/--prefer-jpeg8 "
        "+xx/--prefer-jpeg12 +xv/--prefer-j2k-lossless +xw/--prefer-j2k-lossy +xt/--prefer-jls-lossless "
        "+xu/--prefer-jls-lossy +xm/--prefer-mpeg2 +xh/--prefer-mpeg2-high +xn/--prefer-mpeg4 +xl/--prefer-mpeg4-bd "
        "+x2/--prefer-mpeg4-2-2d +x3/--prefer-mpeg4-2-3d +xo/--prefer-mpeg4-2-st +x4/--prefer-hevc "
        "+x5/--prefer-hevc10 +xr/--prefer-rle +xd/--prefer-deflated +xi/--implicit",
    ),
    ("movescu storescp", "+xa/--accept-all"),
    ("storescu findscu movescu storescp dcmqrscp", "+u/--enable-new-vr -u/--disable-new-vr"),
    ("storescu findscu movescu storescp dcmsend dcmqrscp", "+cl/--compression-level:1"),
    ("storescu movescu storescp dcmqrscp", "-up/--uid-padding"),
    ("findscu movescu getscu", "-k/--key:1 -P/--patient -S/--study -O/--psonly"),
    (
        "findscu",
        "-W/--worklist +dc/--enable-correction -dc/--disable-correction +sr/--show-responses -sr/--hide-responses "
        "-X/--extract -Xx/--extract-xml -Xs/--extract-xml-single:1 -Xlo/--limit-output:1",
    ),
    ("findscu movescu", "--cancel:1"),
    ("findscu movescu getscu storescp dcmrecv", "-od/--output-directory:1"),
    ("movescu", "-aem/--move:1 --no-port +P/--port:1 -pi/--pending-ignore -pr/--pending-read"),
    (
        "movescu storescp dcmqrscp",
        "-ac/--access-full +ac/--access-control +F/--write-file -F/--write-dataset +t=/--write-xfer-same "
        "+te/--write-xfer-little +tb/--write-xfer-big +ti/--write-xfer-implicit +td/--write-xfer-deflated "
        "+g=/--group-length-recalc +g/--group-length-create -g/--group-length-remove +e/--length-explicit "
        "-e/--length-undefined -p/--padding-off +p/--padding-create:2",
    ),
    (_RECEIVERS, "--ignore -B/--normal +B/--bit-preserving"),
    ("storescp dcmqrscp", "--fork --refuse --reject"),
    ("storescp dcmrecv", "-fe/--filename-extension:1"),
    (
        "storescp",
        "--single-process -id/--inetd --sleep-after:1 --sleep-during:1 --abort-after --abort-during -pm/--promiscuous "
        "-uc/--retain-un +uc/--convert-un -ss/--sort-conc-studies:1 -su/--sort-on-study-uid:1 "
        "-sp/--sort-on-patientname -uf/--default-filenames +uf/--unique-filenames -tn/--timenames "
        "-xcr/--exec-on-reception:1 -xcs/--exec-on-eostudy:1 -rns/--rename-on-eostudy -tos/--eostudy-timeout:1 "
        "-xs/--exec-sync --max-associations:1 --forked-child",
    ),
    (
        "dcmrecv",
        "-uca/--use-called-aetitle -s/--no-subdir +ssd/--series-date-subdir +fd/--default-filenames "
        "+fu/--unique-filenames +fsu/--short-unique-names +fst/--system-time-names",
    ),
    (
        "dcmqrscp",
        "-c/--config:1 -s/--single-process --require-find --no-parallel-store --disable-get --allow-shutdown "
        "-XF/--check-find --no-check-find -XM/--check-move --no-check-move --move-unrestricted -ZA/--move-aetitle "
        "-ZH/--move-host -ZV/--move-vendor -QP/--no-patient-root -QS/--no-study-root -QO/--no-patient-study "
        "-xf/--assoc-config-file:3 +Cr/--use-request-charset -Cr/--override-charset +A7/--convert-to-ascii "
        "+U8/--convert-to-utf8 +L1/--convert-to-latin1 +C/--convert-to-charset:1 -Ct/--transliterate "
        "-Cd/--discard-illegal",
    ),
)


@cache
def options_of(tool: str) -> dict[str, Option]:
    """The options of one of ``COMMANDS``, under each of their spellings."""
    entries = [entry for tools, text in _TABLE if tool in tools.split() for entry in text.split()]
    found: dict[str, Option] = {}
    for entry in entries:
        names, _, values = entry.partition(":")
        short, _, long = names.rpartition("/")
        option = Option(short, long, int(values or 0))
        found.update({name: option for name in (short, long) if name})
    return found
