"""Objects without their bulk data (PS3.4 Z.1.3): what is left is headers, which compression has nothing to do with."""

from dcmnet_cli.core import uids
from dcmnet_cli.errors import ConversionError
from dcmnet_cli.net.part10 import DicomFile, PRead, layout_of
from dcmnet_cli.ops.conversion.recode import IMPLICIT_LITTLE, Element, Recoder
from dcmnet_cli.ops.conversion.spool import Reader, Spool, inflate
from dcmnet_cli.ops.conversion.vrs import Scope, is_vr

_BULK = frozenset(
    (
        0x7FE00010,  # Pixel Data, and Float and Double Float Pixel Data
        0x7FE00008,
        0x7FE00009,
        0x7FE00001,  # the tables of its frames
        0x7FE00002,
        0x7FE00003,
        0x00287FE0,  # Pixel Data Provider URL
        0x56000020,  # Spectroscopy Data
        0x00420011,  # Encapsulated Document
    )
)
_REPEATING = frozenset(((0x50, 0x200C), (0x50, 0x3000), (0x60, 0x3000)))
"""Audio sample, curve and overlay data: the first byte of their even groups, and their element."""
_WAVEFORMS, _WAVEFORM_DATA = 0x54000100, 0x54001010
_LARGEST_INFLATED = 1 << 30


def without_bulk_data(pread: PRead, file: DicomFile) -> tuple[Spool, DicomFile]:
    """The data set of ``file`` without bulk data, to be closed, and what there is to know of it now.

    Private attributes stay. Raises ConversionError.
    """
    source, syntax = Reader(pread, file.offset, file.length), file.transfer_syntax_uid
    plain: Spool | None = None
    try:
        if syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
            plain = inflate(source, _LARGEST_INFLATED)
            source, syntax = Reader(plain.pread, 0, plain.size), uids.EXPLICIT_VR_LITTLE_ENDIAN
        data, has_fragments = _stripped(source, syntax)
    except OSError as error:
        raise ConversionError(f"cannot be read: {error.strerror}") from error
    finally:
        if plain is not None:
            plain.close()
    known = uids.transfer_syntax(syntax)
    if known is not None and known.encapsulated and not has_fragments:
        syntax = uids.EXPLICIT_VR_LITTLE_ENDIAN  # which all of these are, but for their pixels (PS3.5 A.4)
    return data, file._replace(offset=0, length=data.size, transfer_syntax_uid=syntax, needs_repair=False)


def _stripped(source: Reader, syntax: str) -> tuple[Spool, bool]:
    """The data set without bulk data, and whether there is encapsulated data left in it, that of an icon."""
    target = layout_of(syntax)
    layout = target
    if target.explicit and source.size >= 8 and not is_vr(source.take(0, 8)[4:6]):
        layout = IMPLICIT_LITTLE
    out = Spool()
    try:
        recoder = _Stripper(source, layout, target, out, keeps_fragments=True)
        recoder.run()
    except BaseException:
        out.close()
        raise
    return out, bool(recoder.compressed.keys() - {0})


class _Stripper(Recoder):
    """Leaves bulk data out, at the top level and in waveforms."""

    _sequence_at_top = 0

    def _sequence(self, element: Element, depth: int, scope: Scope) -> int:
        if not depth:
            self._sequence_at_top = element.tag
        return super()._sequence(element, depth, scope)

    def _copy(self, element: Element, depth: int, scope: Scope) -> int:
        if self.out is not None and self._is_bulk(element.tag, depth):
            return self._skip(element, depth, scope)
        return super()._copy(element, depth, scope)

    def _is_bulk(self, tag: int, depth: int) -> bool:
        if depth:
            return depth == 1 and tag == _WAVEFORM_DATA and self._sequence_at_top == _WAVEFORMS
        return tag in _BULK or ((tag >> 24, tag & 0xFFFF) in _REPEATING and not tag >> 16 & 1)
