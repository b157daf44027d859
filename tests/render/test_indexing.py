"""How far the making of an index is, in words."""

from render_samples import pipe, terminal

from dcmnet_cli.render.indexing import Indexing


def test_before_anything_is_known() -> None:
    assert Indexing(pipe()).sentence(0.0) == "indexing: looking for what is new"


def test_how_far_it_is_and_how_long_it_takes() -> None:
    indexing = Indexing(terminal())
    indexing.read(12_000, 200_000)
    now = indexing.began + 12.0
    words = "12,000 of 200,000 objects, 0:03:08 left"
    assert indexing.sentence(now) == f"indexing: {words}"
    assert indexing.compose(80, now, is_last=False) == f"  indexing  {words}"
    assert indexing.compose(20, now, is_last=False) == "  indexing  12,000 "
