"""The log of a listener: a line an event for people, for pipes, and as JSON.

For people, on a terminal: time of day, calling title, address, event, detail, in columns. In a pipe the same five
cells parted by tabs, the time as ISO 8601 with its offset, the address with its port, ``-`` for what is not known.
On a terminal the UIDs of an event's facts are cut down to their ends, which tell them apart; pipes have them whole.
"""

import time
from collections.abc import Iterator, Mapping

from dcmnet_cli.core.uids import uid_name
from dcmnet_cli.ops.results import ListenEvent
from dcmnet_cli.render.output import Channel, Output
from dcmnet_cli.render.words import one_line, short_uid

_STYLES = {"rejected": "yellow", "not_dicom": "yellow", "aborted": "red", "failed": "red", "closed": "dim"}
_UIDS = ("study_instance_uid", "sop_instance_uid", "subject", "studies")
_NAMED = {"sop_class_uid": "sop_class_name", "transfer_syntax_uid": "transfer_syntax_name"}
_LOCAL = ("listening", "archive", "stopped", "warning")  # events of the listener itself, which no peer is part of
_TIME, _NARROWEST_DETAIL = 10, 24  # columns
_FIXED = ("schema", "event", "time", "peer", "calling", "called", "detail")


def show_event(event: ListenEvent, output: Output) -> None:
    """Write one event to stdout, whole and flushed, from whatever thread. Nothing with ``quiet``, except as JSON."""
    if output.json:
        from dcmnet_cli.render.json import dump_object

        dump_object(event_json(event), output)
    elif output.out.is_screen:
        style = _STYLES.get(event.event, "red" if event.facts.get("ok") is False else "")
        if not output.quiet:
            output.out.write(output.out.paint(_wrapped(*_columns(event), output.out), style) + "\n")
    else:
        cells = (event.calling, event.peer, event.event, one_line(event.detail))
        output.result(_iso(event.at), *(cell or "-" for cell in cells))


def event_json(event: ListenEvent) -> dict[str, object]:
    """One line of ``--json``: the fixed keys, then the facts. A fact never replaces a fixed key."""
    from dcmnet_cli.render.json import SCHEMA

    fixed: dict[str, object] = {
        "schema": SCHEMA,
        "event": event.event,
        "time": _iso(event.at),
        "peer": event.peer or None,
        "calling": event.calling or None,
        "called": event.called or None,
        "detail": event.detail,
    }
    return fixed | _with_names(_without_fixed(event.facts))


def _without_fixed(facts: Mapping[str, object]) -> dict[str, object]:
    if taken := facts.keys() & set(_FIXED):
        raise ValueError(f"keys of every event used as facts: {', '.join(sorted(taken))}")
    return dict(facts)


def _with_names(facts: dict[str, object]) -> dict[str, object]:
    """The names of UIDs beside them."""
    named: dict[str, object] = {}
    for key, value in facts.items():
        named[key] = value
        if key in _NAMED:
            named[_NAMED[key]] = uid_name(str(value)) or None
    return named


def _uids_of(facts: Mapping[str, object]) -> Iterator[str]:
    for key in _UIDS:
        value = facts.get(key)
        for uid in value if isinstance(value, list) else [value]:
            if isinstance(uid, str) and uid:
                yield uid


def _wrapped(head: str, detail: str, channel: Channel) -> str:
    """The detail beside the head, in lines as wide as the terminal; below the time of day if there is too little room.

    A terminal would break in the midst of a word, and leave the rest among the times.
    """
    line, indent = f"{head}  {detail}".rstrip(), len(head) + 2
    if len(channel.text(line)) <= channel.width:
        return channel.text(line)
    import textwrap

    below = " " * (indent if channel.width - indent >= _NARROWEST_DETAIL else _TIME)
    return "\n".join(textwrap.wrap(channel.text(line), channel.width, subsequent_indent=below, break_on_hyphens=False))


def _columns(event: ListenEvent) -> tuple[str, str]:
    """What all events have, in columns, and what is special."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.at))
    detail = one_line(event.detail)
    if event.event in _LOCAL:
        return f"{clock}  {event.event}", detail
    for uid in _uids_of(event.facts):
        detail = detail.replace(uid, short_uid(uid))
    # A log cannot know its widest cell in advance: these fit what is usual, and a longer one pushes its line.
    address = event.peer.rpartition(":")[0] if event.peer.count(":") == 1 or "]" in event.peer else event.peer
    name = event.event.replace("_", " ")
    detail = detail.removeprefix(f"{name} ")  # "stored  stored inbox/..."
    return f"{clock}  {event.calling or '-':<10}  {address or '-':<14}  {name:<11}", detail


def _iso(at: float) -> str:
    local = time.localtime(at)
    offset = time.strftime("%z", local)
    millisecond = int(at % 1 * 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{millisecond:03d}{offset[:3]}:{offset[3:]}"
