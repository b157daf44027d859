"""Every decoder on the corpus, on mutations of it and on random bytes, for seconds."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import CORPUS
from tests.fuzz.targets import TARGETS

EXAMPLES = {name: sorted(each for each in (CORPUS / name).iterdir()) for name in TARGETS}
every_target = pytest.mark.parametrize("name", TARGETS)


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert {each.name for each in CORPUS.iterdir()} == TARGETS.keys()
    assert all(EXAMPLES.values())


@pytest.mark.parametrize(
    ("name", "path"),
    [(n, p) for n, paths in EXAMPLES.items() for p in paths],
    ids=lambda each: getattr(each, "name", each),
)
def test_on_the_corpus_and_every_truncation_of_it(name: str, path: Path) -> None:
    data = path.read_bytes()
    for end in range(0, len(data) + 1, max(1, len(data) // 100)):
        TARGETS[name](data[:end])


@every_target
@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_on_mutations_of_the_corpus(name: str, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(EXAMPLES[name])).read_bytes()
    TARGETS[name](mutated(example, random.Random(data.draw(st.integers(0, 2**32)))))


@every_target
@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.binary(max_size=300))
def test_on_random_bytes(name: str, data: bytes) -> None:
    TARGETS[name](data)


def mutated(data: bytes, source: random.Random) -> bytes:
    """A few bytes changed, left out, put in or moved."""
    result = bytearray(data)
    for _ in range(source.randint(1, 8)):
        at, length = source.randint(0, len(result)), source.randint(1, 12)
        match source.randrange(5):
            case 0:
                result[at : at + 1] = bytes(
                    (source.choice((0, 1, 0x20, 0x5C, 0x7F, 0xFE, 0xFF, source.randrange(256))),)
                )
            case 1:
                del result[at : at + length]
            case 2:
                result[at:at] = source.randbytes(length)
            case 3:
                result[at : at + 4] = source.choice((bytes(4), b"\xff" * 4, b"\0\0\0\x80", b"\x7f\xff\xff\xff"))
            case 4:
                other = source.randint(0, len(result))
                result[at:at] = result[other : other + 4 * length]
    return bytes(result)
