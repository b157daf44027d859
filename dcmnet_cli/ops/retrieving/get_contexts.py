"""Which presentation contexts a C-GET needs: for the SOP classes there are, in the encodings they are likely to have.

An association carries 128 contexts and an acceptor takes one transfer syntax of each, the one that it likes. So every
encoding has a context of its own, as long as there is room; then the rare ones go, and in the end a class makes do with
one context for all.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.negotiation import MAXIMUM_CONTEXTS
from dcmnet_cli.ops.retrieving.reconcile import Wanted
from dcmnet_cli.ops.retrieving.retrieve import Request

ROOM = MAXIMUM_CONTEXTS - 1
"""Contexts for storage: one is that of C-GET itself."""
_PLAIN = (uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN)
_IMAGES = (
    uids.JPEG_2000_LOSSLESS,
    uids.JPEG_LOSSLESS_SV1,
    uids.JPEG_BASELINE_8_BIT,
    uids.JPEG_LS_LOSSLESS,
    uids.RLE_LOSSLESS,
    uids.JPEG_2000,
    uids.JPEG_EXTENDED_12_BIT,
    uids.JPEG_LS_NEAR_LOSSLESS,
    uids.HTJ2K_LOSSLESS,
    uids.JPEG_LOSSLESS,
    uids.HTJ2K,
)
"""What archives keep images in, the most common first."""
_VIDEO = (
    uids.MPEG4_HP_41,
    uids.MPEG2_MAIN_LEVEL,
    uids.MPEG4_HP_41_BD,
    uids.MPEG2_HIGH_LEVEL,
    uids.HEVC_MAIN_51,
    uids.MPEG4_HP_42_2D,
)
_DOCUMENTS = (uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,)

_BY_MODALITY = {
    "CT": "CTImage EnhancedCTImage SecondaryCaptureImage",
    "MR": "MRImage EnhancedMRImage SecondaryCaptureImage",
    "PT": "PositronEmissionTomographyImage EnhancedPETImage",
    "NM": "NuclearMedicineImage",
    "US": "UltrasoundImage UltrasoundMultiFrameImage",
    "CR": "ComputedRadiographyImage",
    "DX": "DigitalXRayImageStorageForPresentation DigitalXRayImageStorageForProcessing",
    "MG": "DigitalMammographyXRayImageStorageForPresentation BreastTomosynthesisImage",
    "XA": "XRayAngiographicImage EnhancedXAImage",
    "RF": "XRayRadiofluoroscopicImage",
    "OT": "SecondaryCaptureImage EncapsulatedPDF",
    "SR": "BasicTextSR EnhancedSR ComprehensiveSR Comprehensive3DSR XRayRadiationDoseSR",
    "PR": "GrayscaleSoftcopyPresentationState ColorSoftcopyPresentationState",
    "KO": "KeyObjectSelectionDocument",
    "SEG": "Segmentation",
    "RTPLAN": "RTPlan",
    "RTSTRUCT": "RTStructureSet",
    "RTDOSE": "RTDose",
    "RTIMAGE": "RTImage",
    "DOC": "EncapsulatedPDF",
    "ECG": "TwelveLeadECGWaveform GeneralECGWaveform",
}
"""SOP classes by Modality (0008,0060), keywords of PS3.6, a "Storage" at their end left out."""
_USUAL = ("CT", "MR", "CR", "US", "XA", "PT")
_KEPT_FREE = 45
"""Contexts that guesses leave for the classes that nobody thought of."""

Contexts = tuple[tuple[str, tuple[str, ...]], ...]


class Batch(NamedTuple):
    """One association: requests, and the storage contexts that their objects need. ``certain`` classes are there for
    sure, others are proposed because they might be.
    """

    requests: tuple[Request, ...]
    contexts: Contexts
    certain: frozenset[str] = frozenset()

    @property
    def classes(self) -> tuple[tuple[str, int], ...]:
        """Every SOP class, and how many contexts it has."""
        counts: dict[str, int] = {}
        for sop_class, _ in self.contexts:
            counts[sop_class] = counts.get(sop_class, 0) + 1
        return tuple(counts.items())


def plan_batches(
    requests: Sequence[Request],
    expected: Sequence[Wanted] | None,
    preferred: Sequence[str] = (),
    only: Iterable[str] = (),
) -> list[Batch]:
    """The associations that ``requests`` take. ``preferred`` are transfer syntaxes to propose in place of the usual
    ones, ``only`` SOP classes to propose and no others.

    Where nobody knows what there is, the commonest classes are proposed, as many as fit.
    """
    allowed = frozenset(only)
    held = _classes_of(expected or ())
    if allowed:
        held = {uid: held.get(uid, frozenset()) for uid in sorted(allowed)}
    elif expected is None or any(not wanted.sop_class_uid for wanted in expected):
        likely = held | _guessed(_USUAL if expected is None else {each.modality for each in expected})
        contexts = contexts_for(likely, preferred, ROOM - _KEPT_FREE)
        return [Batch(tuple(requests), _with_others(contexts, preferred), frozenset(held))]
    if expected is None or len(held) <= ROOM:
        return [Batch(tuple(requests), contexts_for(held, preferred), frozenset(held))]
    return [
        Batch(tuple(asked), contexts_for({uid: held[uid] for uid in classes}, preferred), frozenset(classes))
        for asked, classes in _split(expected, held)
    ]


def contexts_for(held: Mapping[str, frozenset[str]], preferred: Sequence[str] = (), room: int = ROOM) -> Contexts:
    """Contexts for SOP classes and the transfer syntaxes that the peer says it has of each, empty where it does not.

    There are ``room`` at most, as long as that suffices for the classes.
    """
    wanted = {uid: _encodings(uid, syntaxes, preferred) for uid, syntaxes in held.items()}
    most = max((len(groups) for groups in wanted.values()), default=0)
    while most > 1 and sum(min(len(groups), most) for groups in wanted.values()) > room:
        most -= 1
    contexts = []
    for uid, groups in wanted.items():
        kept = groups[:most] if most > 1 else [tuple(dict.fromkeys(syntax for group in groups for syntax in group))]
        contexts += [(uid, group) for group in kept]
    return tuple(contexts[:ROOM])


def _encodings(uid: str, stored: frozenset[str], preferred: Sequence[str]) -> list[tuple[str, ...]]:
    """The transfer syntaxes of each context for one class, the likeliest first."""
    if preferred:
        groups: list[tuple[str, ...]] = [(syntax,) for syntax in preferred if syntax not in _PLAIN]
        rest = tuple(syntax for syntax in preferred if syntax in _PLAIN)
        return [*groups, rest] if rest else groups
    if stored:
        return [(syntax,) for syntax in dict.fromkeys((*sorted(stored), *_PLAIN))]
    return [(syntax,) for syntax in (*_PLAIN, *_compressed(uid))]


def _compressed(uid: str) -> tuple[str, ...]:
    name = uids.uid_name(uid)
    if "Video" in name:
        return (*_VIDEO, *_IMAGES)
    if not name or "Image" in name or "Segmentation" in name:
        return (*_IMAGES, *_VIDEO[:2], *_DOCUMENTS) if "Multi-frame" in name else (*_IMAGES, *_DOCUMENTS)
    return _DOCUMENTS


def _classes_of(expected: Iterable[Wanted]) -> dict[str, frozenset[str]]:
    held: dict[str, set[str]] = {}
    for wanted in expected:
        if wanted.sop_class_uid:
            syntaxes = held.setdefault(wanted.sop_class_uid, set())
            syntaxes.update(uid for uid in wanted.transfer_syntax_uid.split("\\") if uids.is_valid_uid(uid))
    return {uid: frozenset(syntaxes) for uid, syntaxes in held.items()}


def _guessed(modalities: Iterable[str]) -> dict[str, frozenset[str]]:
    """Classes that objects of these modalities have: many archives list instances without their SOP classes."""
    keywords = [keyword for word in sorted(modalities) for keyword in _BY_MODALITY.get(word.upper(), "").split()]
    return {uid: frozenset() for uid in _named(keywords)}


def _with_others(likely: Contexts, preferred: Sequence[str]) -> Contexts:
    """``likely`` and, in the room that is left, one context for each of the commonest other classes."""
    named = {uid for uid, _ in likely}
    everything = contexts_for({uid: frozenset() for uid in _common_classes()}, preferred)
    return (*likely, *(context for context in everything if context[0] not in named))[:ROOM]


def _common_classes() -> tuple[str, ...]:
    """Storage classes, those of the usual modalities first: more exist than an association has room for."""
    usual = _named(keyword for keywords in _BY_MODALITY.values() for keyword in keywords.split())
    return tuple(dict.fromkeys((*usual, *uids.storage_sop_classes())))[:ROOM]


def _named(keywords: Iterable[str]) -> list[str]:
    found = (uids.by_keyword(word if "Storage" in word else f"{word}Storage") for word in keywords)
    return [uid for uid in found if uid is not None]


def _split(expected: Sequence[Wanted], held: Mapping[str, frozenset[str]]) -> list[tuple[list[Request], list[str]]]:
    """More classes than fit: instances by class, so many classes an association."""
    from dcmnet_cli.ops.retrieving.retrieve import image_requests

    names = list(held)
    parts = [names[start : start + ROOM] for start in range(0, len(names), ROOM)]
    return [(list(image_requests(each for each in expected if each.sop_class_uid in part)), part) for part in parts]
