"""Which of the transfer syntaxes a peer accepted an object is sent in, and what has to be done to it for that."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Literal, NamedTuple, TypeAlias

from dcmnet_cli.core import uids

Mode: TypeAlias = Literal["never", "lossless", "always"]
INSTALL = "pip install 'dcmnet-cli[codecs]'"
DEFLATED_FRAMES = uids.DICOM_ROOT + "1.2.8.1"
BARE = frozenset((uids.ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN, DEFLATED_FRAMES))
_NATIVE = (
    uids.EXPLICIT_VR_LITTLE_ENDIAN,
    uids.IMPLICIT_VR_LITTLE_ENDIAN,
    uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    uids.EXPLICIT_VR_BIG_ENDIAN,
)
# In the order of preference. JPEG 2000 may hold either kind of codestream (PS3.5 A.4.4): ours is lossless.
_LOSSLESS = (uids.JPEG_LS_LOSSLESS, uids.JPEG_2000_LOSSLESS, uids.JPEG_2000, uids.RLE_LOSSLESS)
_LOSSY = (uids.JPEG_LS_NEAR_LOSSLESS, uids.JPEG_BASELINE_8_BIT)
_Needs: TypeAlias = "Mapping[str, tuple[frozenset[str], ...]]"


def _needs(*alternatives: str) -> tuple[frozenset[str], ...]:
    """Sets of modules of which one must be there. numpy carries the pixels between all of them."""
    return tuple(frozenset(("numpy", *modules.split())) for modules in alternatives)


_JPEG_LOSSLESS = _needs("imagecodecs", "pylibjpeg libjpeg")
_JPEG_LS = _needs("jpeg_ls", "pylibjpeg libjpeg")
_JPEG_2000 = _needs("pylibjpeg openjpeg", "PIL")
_HIGH_THROUGHPUT = _needs("pylibjpeg openjpeg")
_DECODERS: _Needs = {
    uids.JPEG_BASELINE_8_BIT: _needs("PIL", "pylibjpeg libjpeg"),
    uids.JPEG_EXTENDED_12_BIT: _needs("PIL imagecodecs", "pylibjpeg libjpeg"),
    uids.JPEG_LOSSLESS: _JPEG_LOSSLESS,
    uids.JPEG_LOSSLESS_SV1: _JPEG_LOSSLESS,
    uids.JPEG_LS_LOSSLESS: _JPEG_LS,
    uids.JPEG_LS_NEAR_LOSSLESS: _JPEG_LS,
    uids.JPEG_2000_LOSSLESS: _JPEG_2000,
    uids.JPEG_2000: _JPEG_2000,
    uids.HTJ2K_LOSSLESS: _HIGH_THROUGHPUT,
    uids.HTJ2K_LOSSLESS_RPCL: _HIGH_THROUGHPUT,
    uids.HTJ2K: _HIGH_THROUGHPUT,
    uids.RLE_LOSSLESS: _needs(""),
    **dict.fromkeys(BARE, (frozenset(),)),
}
_ENCODERS: _Needs = {
    uids.JPEG_LS_LOSSLESS: _needs("jpeg_ls"),
    uids.JPEG_LS_NEAR_LOSSLESS: _needs("jpeg_ls"),
    uids.JPEG_2000_LOSSLESS: _needs("pylibjpeg openjpeg"),
    uids.JPEG_2000: _needs("pylibjpeg openjpeg"),
    uids.RLE_LOSSLESS: _needs(""),
    uids.JPEG_BASELINE_8_BIT: _needs("PIL"),
}
_MODULES = ("numpy", "PIL", "imagecodecs", "pylibjpeg", "openjpeg", "libjpeg", "jpeg_ls")


class Choice(NamedTuple):
    """``target`` is the transfer syntax to send in, "" when there is none: then ``why_not`` says why.

    ``decodes`` and ``encodes`` tell what happens to compressed pixel data, ``is_lossy`` whether values change.
    """

    target: str
    decodes: bool = False
    encodes: bool = False
    is_lossy: bool = False
    why_not: str = ""
    hints: tuple[str, ...] = ()


@cache
def installed_codecs() -> frozenset[str]:
    """The codec modules there are, found without importing them."""
    return frozenset(module for module in _MODULES if find_spec(module))


def choose(
    stored: str, accepted: Sequence[str], mode: Mode = "lossless", codecs: Collection[str] | None = None
) -> Choice:
    """Choose a target for an object stored in ``stored`` among the syntaxes ``accepted`` for its class.

    Uncompressed syntaxes come first, compression is for peers that take nothing else. ``codecs`` are the modules
    available, by default those installed. Imports neither pydicom nor a codec.
    """
    if stored in accepted:
        return Choice(stored)
    if why := _cannot_start(stored, accepted, mode):
        return Choice("", why_not=why)
    codecs = installed_codecs() if codecs is None else codecs
    decodes = _is_compressed(stored)
    if decodes and not _have(_DECODERS[stored], codecs):
        return _missing(f"no codec for {_name(stored)} is installed")
    for target in _NATIVE:
        if target in accepted:
            return Choice(target, decodes=decodes)
    compressed = [target for target in _LOSSLESS if target in accepted]
    lossy = [target for target in _LOSSY if target in accepted]
    for target in (*compressed, *(lossy if mode == "always" else ())):
        if _have(_ENCODERS[target], codecs):
            return Choice(target, decodes, encodes=True, is_lossy=target in _LOSSY)
    if compressed or (lossy and mode == "always"):
        return _missing(f"no codec that compresses to {_names(compressed or lossy)} is installed")
    if lossy:
        why = f"only {_names(accepted)} was accepted, which would lose image quality"
        return Choice("", why_not=why, hints=("--transcode always",))
    return Choice("", why_not=f"cannot convert to {_names(accepted)}, and nothing else was accepted")


def decodable() -> tuple[str, ...]:
    """The compressed transfer syntaxes that the installed codecs can decompress."""
    codecs = installed_codecs()
    return tuple(uid for uid, needs in _DECODERS.items() if _have(needs, codecs))


def _cannot_start(stored: str, accepted: Sequence[str], mode: Mode) -> str:
    """Why no target could help, "" if one could."""
    syntax = uids.transfer_syntax(stored)
    if not accepted:
        return "no transfer syntax was accepted for its SOP class"
    if mode == "never":
        return f"{_name(stored)} was not accepted, and conversion is switched off"
    if syntax is None:
        return f"the private transfer syntax {stored} was not accepted, and what it means is not known"
    if syntax.video:
        return f"{_name(stored)} was not accepted, and video is not converted"
    if stored not in _NATIVE and stored not in _DECODERS:
        return f"{_name(stored)} was not accepted, and there is no codec for it"
    return ""


def _is_compressed(uid: str) -> bool:
    return uid not in _NATIVE


def _have(alternatives: tuple[frozenset[str], ...], codecs: Collection[str]) -> bool:
    return any(modules.issubset(codecs) for modules in alternatives)


def _missing(why: str) -> Choice:
    return Choice("", why_not=why, hints=(INSTALL,))


def _name(uid: str) -> str:
    return uids.uid_name(uid) or uid


def _names(syntaxes: Sequence[str]) -> str:
    return " or ".join(map(_name, syntaxes))
