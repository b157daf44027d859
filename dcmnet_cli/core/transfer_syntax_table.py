"""The transfer syntaxes of PS3.6 annex A and PS3.5 annex A, read on first use by ``uids``.

Two lines each: UID below 1.2.840.10008 and name; keyword, short name and what differs from explicit VR little
endian with native pixel data. ``referenced`` means a URL instead of pixel data, ``deflated`` the data set as
a whole, ``not-negotiated`` that no association may propose it, ``text`` that neither VR nor byte order
applies.
"""

from dcmnet_cli.core.uids import DICOM_ROOT, TransferSyntax

_TABLE = """
1.2 Implicit VR Little Endian
  ImplicitVRLittleEndian | Implicit LE | implicit
1.2.1 Explicit VR Little Endian
  ExplicitVRLittleEndian | Explicit LE |
1.2.1.98 Encapsulated Uncompressed Explicit VR Little Endian
  EncapsulatedUncompressedExplicitVRLittleEndian | Encapsulated LE | encapsulated
1.2.1.99 Deflated Explicit VR Little Endian
  DeflatedExplicitVRLittleEndian | Deflated LE | deflated
1.2.2 Explicit VR Big Endian
  ExplicitVRBigEndian | Explicit BE | big retired
1.2.4.50 JPEG Baseline (Process 1)
  JPEGBaseline8Bit | JPEG Baseline | encapsulated lossy
1.2.4.51 JPEG Extended (Process 2 and 4)
  JPEGExtended12Bit | JPEG Extended | encapsulated lossy
1.2.4.52 JPEG Extended (Process 3 and 5)
  JPEGExtended35 | JPEG Extended 3+5 | encapsulated lossy retired
1.2.4.53 JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)
  JPEGSpectralSelectionNonHierarchical68 | JPEG Spectral 6+8 | encapsulated lossy retired
1.2.4.54 JPEG Spectral Selection, Non-Hierarchical (Process 7 and 9)
  JPEGSpectralSelectionNonHierarchical79 | JPEG Spectral 7+9 | encapsulated lossy retired
1.2.4.55 JPEG Full Progression, Non-Hierarchical (Process 10 and 12)
  JPEGFullProgressionNonHierarchical1012 | JPEG Progr. 10+12 | encapsulated lossy retired
1.2.4.56 JPEG Full Progression, Non-Hierarchical (Process 11 and 13)
  JPEGFullProgressionNonHierarchical1113 | JPEG Progr. 11+13 | encapsulated lossy retired
1.2.4.57 JPEG Lossless, Non-Hierarchical (Process 14)
  JPEGLossless | JPEG Lossless 14 | encapsulated
1.2.4.58 JPEG Lossless, Non-Hierarchical (Process 15)
  JPEGLosslessNonHierarchical15 | JPEG Lossless 15 | encapsulated retired
1.2.4.59 JPEG Extended, Hierarchical (Process 16 and 18)
  JPEGExtendedHierarchical1618 | JPEG Hier. 16+18 | encapsulated lossy retired
1.2.4.60 JPEG Extended, Hierarchical (Process 17 and 19)
  JPEGExtendedHierarchical1719 | JPEG Hier. 17+19 | encapsulated lossy retired
1.2.4.61 JPEG Spectral Selection, Hierarchical (Process 20 and 22)
  JPEGSpectralSelectionHierarchical2022 | JPEG Hier. 20+22 | encapsulated lossy retired
1.2.4.62 JPEG Spectral Selection, Hierarchical (Process 21 and 23)
  JPEGSpectralSelectionHierarchical2123 | JPEG Hier. 21+23 | encapsulated lossy retired
1.2.4.63 JPEG Full Progression, Hierarchical (Process 24 and 26)
  JPEGFullProgressionHierarchical2426 | JPEG Hier. 24+26 | encapsulated lossy retired
1.2.4.64 JPEG Full Progression, Hierarchical (Process 25 and 27)
  JPEGFullProgressionHierarchical2527 | JPEG Hier. 25+27 | encapsulated lossy retired
1.2.4.65 JPEG Lossless, Hierarchical (Process 28)
  JPEGLosslessHierarchical28 | JPEG Hier. 28 | encapsulated retired
1.2.4.66 JPEG Lossless, Hierarchical (Process 29)
  JPEGLosslessHierarchical29 | JPEG Hier. 29 | encapsulated retired
1.2.4.70 JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])
  JPEGLosslessSV1 | JPEG Lossless SV1 | encapsulated
1.2.4.80 JPEG-LS Lossless Image Compression
  JPEGLSLossless | JPEG-LS Lossless | encapsulated
1.2.4.81 JPEG-LS Lossy (Near-Lossless) Image Compression
  JPEGLSNearLossless | JPEG-LS Near | encapsulated lossy
1.2.4.90 JPEG 2000 Image Compression (Lossless Only)
  JPEG2000Lossless | JPEG 2000 Lossless | encapsulated
1.2.4.91 JPEG 2000 Image Compression
  JPEG2000 | JPEG 2000 | encapsulated possibly-lossy
1.2.4.92 JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)
  JPEG2000MCLossless | JPEG 2000-2 Lossless | encapsulated
1.2.4.93 JPEG 2000 Part 2 Multi-component Image Compression
  JPEG2000MC | JPEG 2000-2 | encapsulated possibly-lossy
1.2.4.94 JPIP Referenced
  JPIPReferenced | JPIP | referenced possibly-lossy
1.2.4.95 JPIP Referenced Deflate
  JPIPReferencedDeflate | JPIP Deflated | referenced deflated possibly-lossy
1.2.4.100 MPEG2 Main Profile / Main Level
  MPEG2MPML | MPEG2 ML | encapsulated lossy video
1.2.4.100.1 Fragmentable MPEG2 Main Profile / Main Level
  MPEG2MPMLF | MPEG2 ML Frag. | encapsulated lossy video
1.2.4.101 MPEG2 Main Profile / High Level
  MPEG2MPHL | MPEG2 HL | encapsulated lossy video
1.2.4.101.1 Fragmentable MPEG2 Main Profile / High Level
  MPEG2MPHLF | MPEG2 HL Frag. | encapsulated lossy video
1.2.4.102 MPEG-4 AVC/H.264 High Profile / Level 4.1
  MPEG4HP41 | H.264 4.1 | encapsulated lossy video
1.2.4.102.1 Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1
  MPEG4HP41F | H.264 4.1 Frag. | encapsulated lossy video
1.2.4.103 MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1
  MPEG4HP41BD | H.264 4.1 BD | encapsulated lossy video
1.2.4.103.1 Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1
  MPEG4HP41BDF | H.264 4.1 BD Frag. | encapsulated lossy video
1.2.4.104 MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video
  MPEG4HP422D | H.264 4.2 2D | encapsulated lossy video
1.2.4.104.1 Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video
  MPEG4HP422DF | H.264 4.2 2D Frag. | encapsulated lossy video
1.2.4.105 MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video
  MPEG4HP423D | H.264 4.2 3D | encapsulated lossy video
1.2.4.105.1 Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video
  MPEG4HP423DF | H.264 4.2 3D Frag. | encapsulated lossy video
1.2.4.106 MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2
  MPEG4HP42STEREO | H.264 Stereo | encapsulated lossy video
1.2.4.106.1 Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2
  MPEG4HP42STEREOF | H.264 Stereo Frag. | encapsulated lossy video
1.2.4.107 HEVC/H.265 Main Profile / Level 5.1
  HEVCMP51 | H.265 Main | encapsulated lossy video
1.2.4.108 HEVC/H.265 Main 10 Profile / Level 5.1
  HEVCM10P51 | H.265 Main 10 | encapsulated lossy video
1.2.4.110 JPEG XL Lossless
  JPEGXLLossless | JPEG XL Lossless | encapsulated
1.2.4.111 JPEG XL JPEG Recompression
  JPEGXLJPEGRecompression | JPEG XL Repacked | encapsulated possibly-lossy
1.2.4.112 JPEG XL
  JPEGXL | JPEG XL | encapsulated possibly-lossy
1.2.4.201 High-Throughput JPEG 2000 Image Compression (Lossless Only)
  HTJ2KLossless | HTJ2K Lossless | encapsulated
1.2.4.202 High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)
  HTJ2KLosslessRPCL | HTJ2K RPCL | encapsulated
1.2.4.203 High-Throughput JPEG 2000 Image Compression
  HTJ2K | HTJ2K | encapsulated possibly-lossy
1.2.4.204 JPIP HTJ2K Referenced
  JPIPHTJ2KReferenced | JPIP HTJ2K | referenced possibly-lossy
1.2.4.205 JPIP HTJ2K Referenced Deflate
  JPIPHTJ2KReferencedDeflate | JPIP HTJ2K Deflated | referenced deflated possibly-lossy
1.2.5 RLE Lossless
  RLELossless | RLE | encapsulated
1.2.6.1 RFC 2557 MIME encapsulation
  RFC2557MIMEEncapsulation | MIME | not-negotiated retired
1.2.6.2 XML Encoding
  XMLEncoding | XML | text not-negotiated retired
1.2.7.1 SMPTE ST 2110-20 Uncompressed Progressive Active Video
  SMPTEST211020UncompressedProgressiveActiveVideo | ST 2110 Progressive | video not-negotiated
1.2.7.2 SMPTE ST 2110-20 Uncompressed Interlaced Active Video
  SMPTEST211020UncompressedInterlacedActiveVideo | ST 2110 Interlaced | video not-negotiated
1.2.7.3 SMPTE ST 2110-30 PCM Digital Audio
  SMPTEST211030PCMDigitalAudio | ST 2110 Audio | not-negotiated
1.2.8.1 Deflated Image Frame Compression
  DeflatedImageFrameCompression | Deflated Frames | encapsulated
1.20 Papyrus 3 Implicit VR Little Endian
  Papyrus3ImplicitVRLittleEndian | Papyrus 3 | implicit not-negotiated retired
"""


def _read() -> dict[str, TransferSyntax]:
    lines = _TABLE.strip().splitlines()
    table = {}
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        suffix, _, name = first.partition(" ")
        keyword, short_name, words = (part.strip() for part in second.split("|"))
        table[DICOM_ROOT + suffix] = _record(DICOM_ROOT + suffix, name, keyword, short_name, set(words.split()))
    return table


def _record(uid: str, name: str, keyword: str, short_name: str, flags: set[str]) -> TransferSyntax:
    is_text = "text" in flags
    return TransferSyntax(
        uid=uid,
        name=name,
        keyword=keyword,
        short_name=short_name,
        vr="" if is_text else "implicit" if "implicit" in flags else "explicit",
        endian="" if is_text else "big" if "big" in flags else "little",
        encapsulated="encapsulated" in flags,
        deflated="deflated" in flags,
        lossy="yes" if "lossy" in flags else "possibly" if "possibly-lossy" in flags else "no",
        retired="retired" in flags,
        video="video" in flags,
        referenced="referenced" in flags,
        negotiated="not-negotiated" not in flags,
    )


TRANSFER_SYNTAXES = _read()
