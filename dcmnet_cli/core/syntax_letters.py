"""The letters by which DCMTK's tools name transfer syntaxes: storescu's ``-x?``, storescp's ``+x?``."""

from dcmnet_cli.core import uids

UNCOMPRESSED = {
    "e": uids.EXPLICIT_VR_LITTLE_ENDIAN,
    "b": uids.EXPLICIT_VR_BIG_ENDIAN,
    "i": uids.IMPLICIT_VR_LITTLE_ENDIAN,
}
COMPRESSED = {
    "s": uids.JPEG_LOSSLESS_SV1,
    "y": uids.JPEG_BASELINE_8_BIT,
    "x": uids.JPEG_EXTENDED_12_BIT,
    "v": uids.JPEG_2000_LOSSLESS,
    "w": uids.JPEG_2000,
    "t": uids.JPEG_LS_LOSSLESS,
    "u": uids.JPEG_LS_NEAR_LOSSLESS,
    "m": uids.MPEG2_MAIN_LEVEL,
    "h": uids.MPEG2_HIGH_LEVEL,
    "n": uids.MPEG4_HP_41,
    "l": uids.MPEG4_HP_41_BD,
    "2": uids.MPEG4_HP_42_2D,
    "3": uids.MPEG4_HP_42_3D,
    "o": uids.MPEG4_HP_42_STEREO,
    "4": uids.HEVC_MAIN_51,
    "5": uids.HEVC_MAIN_10_51,
    "r": uids.RLE_LOSSLESS,
    "d": uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
}
BY_LETTER = UNCOMPRESSED | COMPRESSED
