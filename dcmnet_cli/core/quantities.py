"""Amounts in words, spelled one way on every screen and in every log: counts, sizes, rates, shares, times left."""

_PREFIXES = ("kB", "MB", "GB", "TB", "PB")


def count(number: int) -> str:
    """``1,306``."""
    return f"{number:,}"


def plural(number: int, one: str, many: str = "") -> str:
    """``1 file``, ``1,306 files``; ``many`` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(length: float) -> str:
    """Bytes as ``612 B``, ``9.4 kB``, ``216 MB``: two or three digits, powers of 1000."""
    if length < 999.5:
        return f"{length:.0f} B"
    for prefix in _PREFIXES:
        length /= 1000
        if length < 9.95:
            return f"{length:.1f} {prefix}"
        if length < 999.5:
            break
    return f"{length:.0f} {prefix}"


def rate(number: float, seconds: float) -> str:
    """How many a second, ``0.4``, ``58``, ``1,204``; ``-`` where no time has passed."""
    if seconds <= 0:
        return "-"
    value = number / seconds
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def data_rate(length: float, seconds: float) -> str:
    """Bytes a second as ``31 MB/s``; ``-`` where no time has passed."""
    return f"{size(length / seconds)}/s" if seconds > 0 else "-"


def clock(seconds: float) -> str:
    """A time as ``0:00:22``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def percent(part: float, whole: float) -> str:
    """A share as ``78 %``; what rounds to nothing is ``under 1 %``."""
    share = 100 * part / whole if whole > 0 else 0.0
    return "under 1 %" if 0 < share < 0.5 else f"{share:.0f} %"
