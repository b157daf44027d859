"""Query keys as a tree, while it is being built: from ``-k`` words and query files to elements and back to words."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core.attributes import keyword_of, tag_of, vr_of
from dcmnet_cli.core.identifier import Element, text
from dcmnet_cli.core.text import excerpt
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.querying.key_values import check_value, encode_value

Path: TypeAlias = tuple[int, ...]
"""The tags that lead to an attribute: sequences first, of whose items the first is meant."""


class Key(NamedTuple):
    """One attribute with the value to match, empty to ask for it."""

    vr: str
    value: str


Tree: TypeAlias = "dict[int, Key | list[Tree]]"

_STEP = re.compile(r"(?:\(?([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)?|([A-Za-z][A-Za-z0-9]*))(?:\[([^]]*)\])?(?:\.|$)")


def parse_key(word: str) -> tuple[Path, str]:
    """``path=value`` or ``path``, in DCMTK's spellings. Raises UsageError."""
    name, _, value = word.partition("=")
    return parse_path(name.strip()), value


def parse_path(name: str) -> Path:
    """``0010,0020``, ``(0010,0020)``, ``PatientID`` or several of them with dots between. Raises UsageError."""
    tags: list[int] = []
    at = 0
    while at < len(name) or not tags:
        match = _STEP.match(name, at)
        if match is None or (match.end() == len(name) and name.endswith(".")):
            raise UsageError(f"-k {excerpt(name)}: write gggg,eeee or a keyword, sequences as Sequence[0].Keyword")
        group, number, keyword, index = match.groups()
        if index not in (None, "", "0", "*"):
            raise UsageError(f"-k {excerpt(name)}: [{index}], but a key sequence has one item, [0]")
        tags.append(int(group + number, 16) if group else find_tag(keyword))
        at = match.end()
    for tag in tags[:-1]:
        if vr_of_tag(tag) not in ("SQ", "UN"):
            raise UsageError(f"-k {excerpt(name)}: {name_of(tag)} is no sequence")
    for tag in tags:
        if tag >> 16 < 0x0008 or not tag & 0xFFFF:
            raise UsageError(f"-k {excerpt(name)}: ({tag >> 16:04X},{tag & 0xFFFF:04X}) has no place in a query")
    return tuple(tags)


def find_tag(keyword: str) -> int:
    """The tag of a keyword of PS3.6. Raises UsageError, with keywords that look alike."""
    tag = tag_of(keyword)
    if tag is not None:
        return tag
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None:
        raise UsageError(f"no attribute has the keyword {excerpt(keyword)}{_alike(keyword)}")
    return tag


def _alike(keyword: str) -> str:
    from difflib import get_close_matches

    from pydicom.datadict import keyword_dict

    folded = {word.lower(): word for word in keyword_dict}
    near = [folded[word] for word in get_close_matches(keyword.lower(), folded, n=3, cutoff=0.7)]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def vr_of_tag(tag: int) -> str:
    """The VR of any tag of PS3.6, UN for private ones. Raises UsageError for a public tag that does not exist."""
    vr = vr_of(tag)
    if vr != "UN" or tag >> 16 & 1:
        return vr
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag)[:2]  # of "US or SS" the first
    except KeyError:
        raise UsageError(f"no attribute has the tag ({tag >> 16:04X},{tag & 0xFFFF:04X})") from None


def name_of(tag: int) -> str:
    """The keyword of a tag, or the tag as ``gggg,eeee``. Loads the whole dictionary for the less common ones."""
    keyword = keyword_of(tag)
    if not keyword and not tag >> 16 & 1:
        from pydicom.datadict import keyword_for_tag

        keyword = keyword_for_tag(tag)
    return keyword or f"{tag >> 16:04X},{tag & 0xFFFF:04X}"


def path_name(path: Path) -> str:
    """``ScheduledProcedureStepSequence[0].Modality``: what ``-k`` takes, and what a column is called."""
    return "[0].".join(map(name_of, path))


def put(tree: Tree, path: Path, value: str) -> None:
    """Set one key, with the sequences that lead to it. Raises UsageError for a value that breaks its VR."""
    for tag in path[:-1]:
        items = tree.get(tag)
        if not isinstance(items, list):
            tree[tag] = items = []
        if not items:
            items.append({})
        tree = items[0]
    tag = path[-1]
    vr = vr_of_tag(tag)
    if vr == "SQ":
        if value:
            raise UsageError(f"{name_of(tag)} is a sequence; give its attributes, as in {name_of(tag)}[0].CodeValue=X")
        if not isinstance(tree.get(tag), list):
            tree[tag] = []
    else:
        tree[tag] = Key(vr, check_value(name_of(tag), vr, value))


def tree_of(elements: Iterable[Element], character_set: str) -> Tree:
    """The tree of an identifier that was read; a character set of its own counts for an item."""
    found: Tree = {}
    elements = tuple(elements)
    own = next((text(each, "") for each in elements if each.tag == 0x00080005), character_set)
    for element in elements:
        if element.items is not None:
            found[element.tag] = [tree_of(item, own) for item in element.items]
        else:
            vr = element.vr if element.vr != "UN" else vr_of_tag(element.tag)
            found[element.tag] = Key(vr, text(element._replace(vr=vr), own))
    return found


def elements_of(tree: Tree, character_set: str) -> tuple[Element, ...]:
    """The elements to send, in the tree's order. Raises UsageError for text that the character set does not have."""
    return tuple(_element(tag, node, character_set) for tag, node in tree.items())


def _element(tag: int, node: "Key | list[Tree]", character_set: str) -> Element:
    if isinstance(node, list):
        # Asking for a sequence is one empty item to some peers and no item to others; the standard allows both.
        return Element(tag, "SQ", b"", tuple(elements_of(item, character_set) for item in node))
    return Element(tag, node.vr, encode_value(name_of(tag), node.vr, node.value, character_set))


def leaves(tree: Tree, above: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every attribute with its value, sequences without items among them."""
    for tag, node in tree.items():
        if isinstance(node, Key):
            yield (*above, tag), node.value
        elif not node:
            yield (*above, tag), ""
        for item in node if isinstance(node, list) else ():
            yield from leaves(item, (*above, tag))
