"""Worked PDUs: the bytes written out field by field, beside the record that they mean.

``associate`` holds the associate, release and abort PDUs, ``messages`` DIMSE messages in their P-DATA-TF. The bytes are
the reference, made from the tables of PS3.8 9.3 and PS3.7 annex E; nothing here is produced by the code under test.
"""


def octets(text: str) -> bytes:
    """Bytes from hexadecimal groups and ``'text'``, a line at a time; ``00*32`` repeats, ``--`` begins a remark."""
    result = bytearray()
    for line in text.splitlines():
        for index, part in enumerate(line.partition("-- ")[0].split("'")):
            if index % 2:
                result += part.encode("ascii")
                continue
            for group in part.split():
                digits, _, times = group.partition("*")
                result += bytes.fromhex(digits) * int(times or 1)
    return bytes(result)
