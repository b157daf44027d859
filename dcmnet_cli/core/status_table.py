"""DIMSE status codes by service, with what to do about them, read on first use by ``status``.

The codes and terms are those of PS3.7 annex C and of the service classes of PS3.4; explanation and remedy are
ours. A heading names a service, the services whose codes it shares after ``<``, its title, and the operations
its codes answer. A code follows with the standard's term, its own operations where they differ, and the
elements of group 0000 that may come with it. The indented lines explain; each ``>`` begins something to do, and
who has to do it. ``x`` is any digit.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One code or mask, such as ``A7xx``, as a service defines it."""

    code: str
    meaning: str
    operations: tuple[str, ...]
    related: tuple[str, ...]
    explanation: str
    remedies: tuple[str, ...]


class Section(NamedTuple):
    """A service: its own rows by code, and the keys of the services whose rows it has besides."""

    key: str
    title: str
    parents: tuple[str, ...]
    operations: tuple[str, ...]
    rows: dict[str, Row]


_C_SERVICES = """
[general] every service | all
0000 Success
  The peer did what was asked.
0001 Requested optional attributes are not supported | N-GET N-SET N-CREATE N-ACTION | 0901 0902
  A warning: the peer did the work and left out optional attributes that it does not keep.
  > Usually nothing. If one of those attributes matters, look it up in the peer's conformance statement.
0105 No such attribute | N-SET N-CREATE | 1005
  The request names an attribute that this kind of object does not have; the peer changed nothing.
  > Here: take the attributes of the Attribute Identifier List out of the request, or use the SOP class they
  belong to.
0106 Invalid attribute value | N-SET N-CREATE | data
  A value is not one the peer may take; it changed nothing.
  > Here: the response returns the values at fault; send legal ones.
0107 Attribute list warning | N-GET N-SET N-CREATE | 0002 1000 1005
  A warning in spite of its number: known attributes were handled, unknown ones skipped.
  > Compare the Attribute Identifier List with what you need; most often it is harmless.
0110 Processing failure | N-EVENT-REPORT N-GET N-SET N-ACTION N-CREATE N-DELETE | 0002 0902 0903 1000
  Something went wrong inside the peer, and the code does not say what.
  > Peer: Error Comment and Error ID, if sent, lead to the entry in its log. Try once more before digging
  deeper.
0111 Duplicate SOP instance | N-CREATE | 1000
  The peer has an object with this UID already.
  > Here: make a fresh UID. After a request whose answer was lost, take it as done.
0112 No such SOP instance | N-EVENT-REPORT N-GET N-SET N-ACTION N-DELETE | 1000
  The peer holds no object with this UID.
  > Here: check the UID, and that the N-CREATE before it succeeded.
  > Peer: was the object deleted or did it expire?
0113 No such event type | N-EVENT-REPORT | 0002 1002
  The receiver of the event does not know its number for this SOP class.
  > Sender of the event: use one of the event types that the SOP class defines.
0114 No such argument | N-EVENT-REPORT N-ACTION | 0002 1002 1008
  The information sent with the event or action has an element that does not belong there.
  > Here: compare what was sent with the definition of this event or action type.
0115 Invalid argument value | N-EVENT-REPORT N-ACTION | 0002 1000 1002 1008 data
  The information sent with the event or action has a value that is not allowed.
  > Here: the response returns the values at fault; correct them.
0116 Attribute value out of range | N-SET N-CREATE | data
  A warning in spite of its number: the work was done, but a value was replaced or dropped.
  > Read the object back and see whether what the peer keeps will do.
0117 Invalid SOP instance | C-STORE N-EVENT-REPORT N-GET N-SET N-ACTION N-CREATE N-DELETE | 1000
  The SOP Instance UID is not a well-formed UID, or not one the peer accepts.
  > Here: digits and full stops only, at most 64 characters, no component with a leading zero. Mend it at its
  source.
0118 No such SOP class | N-EVENT-REPORT N-GET N-SET N-ACTION N-CREATE N-DELETE | 0002
  The peer does not know the SOP class that the command names.
  > Here: the class in the command must be the one negotiated, or a member of a negotiated meta SOP class.
0119 Class-instance conflict | N-EVENT-REPORT N-GET N-SET N-ACTION N-DELETE | 0002 1000
  The object exists, but as an instance of another SOP class.
  > Here: name the class under which the object was created.
0120 Missing attribute | N-CREATE | 1005
  The peer needs an attribute that the request lacks.
  > Here: add what the Attribute Identifier List of the response names.
0121 Missing attribute value | N-SET N-CREATE | data
  An attribute that may not be empty came without a value.
  > Here: the response returns the empty attributes; fill them in.
0122 Refused: SOP class not supported | C-STORE C-FIND C-GET C-MOVE C-ECHO | 0902
  The peer takes no part in this SOP class, although the presentation context was accepted.
  > Peer: switch the SOP class on.
  > Here: make sure that command and presentation context name the same class.
0123 No such action type | N-ACTION | 0002 1008
  The number of the action is not defined for this SOP class.
  > Here: use an action type of the SOP class; the peer may also support only some of them.
0124 Refused: not authorized | C-STORE C-FIND C-GET C-MOVE N-GET N-SET N-ACTION N-CREATE N-DELETE | 0902
  The peer knows the caller and does not let it do this.
  > Peer: grant the right to this calling AE title or user.
  > Here: check under which title the call was made.
0210 Duplicate invocation | all
  The Message ID belongs to a request that is still being worked on.
  > Here: a program error; every open request on an association needs a Message ID of its own.
0211 Unrecognized operation | all
  This operation was not agreed for the association, or does not exist for the SOP class.
  > Here: check that the SOP class has this operation, and which side was granted which role.
0212 Mistyped argument | all
  The command carries a parameter that was not agreed on.
  > Here: compare the command set with the definition of the service; the peer's log may name the parameter.
0213 Resource limitation | N-EVENT-REPORT N-GET N-SET N-ACTION N-CREATE N-DELETE
  The peer ran out of something: disk, memory, connections.
  > Peer: find and free what is short.
  > Here: wait, then try again.
FE00 Cancel | C-FIND C-GET C-MOVE
  The work was stopped because the requestor asked for that.
FF00 Pending | C-FIND C-GET C-MOVE
  The work goes on, and further responses will follow.
FF01 Pending, optional keys not supported | C-FIND
  A match like any other, with the remark that the peer did not use some of the optional keys.
  > The list may be longer than the query asked for: filter it here.
01xx Reserved failure of the standard | all
  The operation failed with a code from the standard's own range whose meaning is not known here.
  > Peer: look in its log at that time; its conformance statement may list the code.
02xx Reserved failure of the standard | all
  The operation failed with a code from the standard's own range whose meaning is not known here.
  > Peer: look in its log at that time; its conformance statement may list the code.
Axxx Failure defined by the service class | all
  The operation failed. What the number says depends on the service; name it to learn more.
  > Peer: look in its log at that time. Its conformance statement lists the codes it sends.
Bxxx Warning defined by the service class | all
  The operation was done with a reservation. What the number says depends on the service; name it to learn
  more.
  > Look in the peer's conformance statement for the code.
Cxxx Failure defined by the service class | all
  The operation failed. Vendors use this range freely, so the same number means different things at
  different peers.
  > Peer: Error Comment, its log at that time, and its conformance statement, in this order.

[echo] Verification | C-ECHO
0000 Success
  The peer's DICOM application answers. It says nothing about other services.
0122 Refused: SOP class not supported | | 0902
  The peer does not offer verification, or the command named another class.
  > Peer: switch on verification, which every DICOM application should answer.

[store] Storage | C-STORE
0000 Success
  The peer has taken responsibility for the instance.
B000 Coercion of data elements | | 0901 0902
  Stored, but the peer overwrote some values, often patient or study identifiers.
  > Expect both copies to differ. Offending Element lists what was changed; ask the peer if that was not
  intended.
B006 Elements discarded | | 0901 0902
  Stored, but the peer dropped some elements, often private ones.
  > Fetch the instance back and compare if those elements matter.
  > Peer: a setting may preserve them.
B007 Data set does not match SOP class | | 0901 0902
  Stored, although the content is not what its SOP class requires.
  > Have the object corrected where it was made: a stricter system will refuse it.
A7xx Refused: out of resources | | 0902
  Not stored: the peer has no room, as a rule no disk space.
  > Peer: free or add storage.
  > Here: send the instance again afterwards; nothing is wrong with it.
A9xx Error: data set does not match SOP class | | 0901 0902
  Not stored: the peer found content that contradicts the SOP class or the UIDs of the command.
  > Here: compare SOP Class and Instance UID of data set and command, then look for missing mandatory
  attributes.
Cxxx Error: cannot understand | | 0901 0902
  Not stored: the peer could not read or would not take the data set.
  > Here: send another instance; if that works, this one is at fault, otherwise try implicit VR little endian.
  > Peer: Error Comment and its log name the element or the rule.
0117 Invalid SOP instance | | 1000
  Not stored: the SOP Instance UID is malformed, or the peer refuses it.
  > Here: check the UID for letters, leading zeros and more than 64 characters; the modality that made it must
  be mended.
0122 Refused: SOP class not supported | | 0902
  Not stored: the peer accepted the presentation context but does not archive this kind of object.
  > Peer: add the SOP class to what it stores.
0124 Refused: not authorized | | 0902
  Not stored: this caller has no right to store at the peer.
  > Peer: allow storage for our calling AE title.
  > Here: check under which title the call was made.

[non-patient] Non-Patient Object Storage | C-STORE
0000 Success
  The peer has taken the object.
A700 Refused: out of resources | | 0902
  Not stored: the peer has no room for the object.
  > Peer: free or add storage.
  > Here: send it again afterwards.
A900 Error: data set does not match SOP class | | 0901 0902
  Not stored: the content contradicts the SOP class of the object.
  > Here: check the object against its class, beginning with Offending Element.
C000 Error: cannot understand | | 0901 0902
  Not stored: the peer could not read the object.
  > Here: check how the object was made.
  > Peer: Error Comment and its log say more.

[find] Query (C-FIND) | C-FIND
0000 Matching is complete, no final identifier
  All matches have been sent. There may have been none.
FF00 Matches are continuing; current match supplied | | identifier
  Here is one match, and more may come.
FF01 Matches are continuing; one or more optional keys not supported | | identifier
  Here is one match, but the peer left some optional keys out of its search.
  > Expect too many matches: filter them here, or query by keys that the peer supports.
FE00 Matching terminated due to cancel request
  We asked the peer to stop, so the list is incomplete.
A700 Refused: out of resources | | 0902
  The query was not run, most often because it would match too much.
  > Here: narrow it by date, modality or patient.
  > Peer: raise the limit on matches.
A900 Error: data set (identifier) does not match SOP class | | 0901 0902
  The keys do not fit the information model or the query level.
  > Here: give Query/Retrieve Level and the unique keys of the levels above, or ask at a higher level.
Cxxx Failed: unable to process | | 0901 0902
  The peer's search ended in an error.
  > Here: repeat it with one plain key, then add the others one by one; suspect dates and letters beyond ASCII
  first.
  > Peer: Error Comment and its log.
0122 Refused: SOP class not supported | | 0902
  The peer does not offer queries in this information model.
  > Here: try the other model, study root instead of patient root or the reverse.
0124 Refused: not authorized | | 0902
  This caller may not query the peer.
  > Peer: allow queries for our calling AE title.

[repository < find] Repository Query | C-FIND
A710 Invalid prior record key
  The place to continue from is no longer known to the peer.
  > Here: begin the query anew, without a prior record key.
B001 Matching reached response limit
  The list stops here although there are more matches. This is the final response.
  > Here: continue from the last match: its Record Key becomes the Prior Record Key of the next query.

[move] Retrieve by C-MOVE | C-MOVE
0000 Sub-operations complete, no failures | | 1021 1022 1023
  The peer says it has sent everything to the destination. Some peers say so before the last object is
  through.
FF00 Sub-operations are continuing | | 1020 1021 1022 1023
  The peer is sending; the counters tell how far it is.
FE00 Sub-operations terminated due to cancel | | 1020 1021 1022 1023
  We asked the peer to stop. Part of the objects may have reached the destination.
B000 Sub-operations complete, one or more failures or warnings | | 1021 1022 1023 identifier
  The peer is through, but some objects failed or were stored with a remark.
  > Destination: its log says why it refused; check which SOP classes and transfer syntaxes it accepts.
  > Here: fetch the UIDs of the Failed SOP Instance UID List again.
A701 Refused: out of resources, unable to calculate number of matches | | 0902
  The peer could not work out which objects to send, so it sent none.
  > Here: ask for one study or series at a time.
  > Peer: look in its log.
A702 Refused: out of resources, unable to perform sub-operations | | 1021 1022 1023 identifier
  The peer knew what to send and could send nothing, as a rule because it could not reach the destination.
  > Destination: is it running, on the host and port that the peer has on file, with room on its disk?
  > Peer: test the connection to the destination from there; firewalls often block this direction.
A801 Refused: move destination unknown | | 0902
  The peer has no address for the destination AE title. It opens a new connection and must know where to.
  > Peer: enter the destination title, letter by letter, with its host and port.
  > Here: check the spelling of the destination; it is an AE title, not a folder or host.
A900 Error: data set (identifier) does not match SOP class | | 0901 0902
  The request does not fit the information model or the level.
  > Here: give exactly the unique keys of the level and of those above it; other keys do not belong in a
  retrieve.
Cxxx Failed: unable to process | | 0901 0902
  The peer gave up with an error of its own.
  > Peer: Error Comment and its log.
  > Here: ask for a single object to see whether anything can be sent.
0122 Refused: SOP class not supported | | 0902
  The peer does not offer retrieval in this information model.
  > Here: try the other model, or C-GET.
0124 Refused: not authorized | | 0902
  This caller may not retrieve, or not to this destination.
  > Peer: allow our calling AE title to retrieve to that destination.

[get < move] Retrieve by C-GET | C-GET
0000 Sub-operations complete, no failures or warnings | | 1021 1022 1023
  The peer says it has sent everything over this association.
A702 Refused: out of resources, unable to perform sub-operations | | 1021 1022 1023 identifier
  The peer knew what to send and could send nothing over this association.
  > Here: propose the storage SOP classes of the objects, with the SCP role for us, in transfer syntaxes the
  peer has.
B000 Sub-operations complete, one or more failures or warnings | | 1021 1022 1023 identifier
  The peer is through, but some objects could not be sent or were stored here with a remark.
  > Here: most failures are objects whose SOP class or transfer syntax we did not propose. Add it and fetch
  the UIDs of the Failed SOP Instance UID List again.
FE00 Sub-operations terminated due to cancel | | 1020 1021 1022 1023
  We asked the peer to stop. What came before that is complete.
0122 Refused: SOP class not supported | | 0902
  The peer does not offer C-GET in this information model. Many archives have only C-MOVE.
  > Here: use C-MOVE.
0124 Refused: not authorized | | 0902
  This caller may not retrieve from the peer.
  > Peer: allow our calling AE title to retrieve.

[frames] Composite Instance Root Retrieve: frames | C-MOVE C-GET
AA00 Failed: none of the frames requested were found | | 0902
  The object has no frames with these numbers or times.
  > Here: compare with Number of Frames; counting starts at 1.
AA01 Failed: unable to create new object for this SOP class | | 0902
  The peer cannot take single frames out of objects of this class.
  > Here: fetch the whole instance.
AA02 Failed: unable to extract frames | | 0902
  Cutting the frames out failed at the peer.
  > Here: fetch the whole instance.
  > Peer: look in its log.
AA03 Failed: time-based request for a non-time-based instance | | 0902
  Frames were asked for by time, but those of this object have none.
  > Here: ask by frame number.
AA04 Failed: invalid request | | 0901 0902
  The description of the wanted frames is contradictory or incomplete.
  > Here: use one of the three ways to name frames, and only one.

[composite-move < frames move] Composite Instance Root Retrieve by C-MOVE | C-MOVE
[composite-get < frames get] Composite Instance Root Retrieve by C-GET | C-GET
[without-bulk-data < get] Composite Instance Retrieve Without Bulk Data | C-GET

[worklist < find] Modality Worklist | C-FIND
A900 Error: data set (identifier) does not match SOP class | | 0901 0902
  The keys do not fit the worklist model.
  > Here: step attributes belong inside the Scheduled Procedure Step Sequence, and there is no query level.

[non-patient-query < worklist move] Non-Patient Object Query/Retrieve | C-FIND C-MOVE C-GET
[substance-query < worklist] Substance Administration Query | C-FIND

[patient-info < find] Relevant Patient Information Query | C-FIND
C000 Failed: unable to process | | 0901 0902
  The peer's search ended in an error.
  > Peer: Error Comment and its log.
  > Here: repeat it with Patient ID alone.
C100 Failed: more than one match found | | 0901 0902
  The keys fit several patients, and this query may return only one.
  > Here: add Issuer of Patient ID, or more keys that tell the patients apart.
C200 Failed: unable to support requested template | | 0901 0902
  The peer cannot answer in the template that was asked for.
  > Here: leave the template out, or name the root template of the SOP class.
"""


def sections() -> dict[str, Section]:
    """Read the tables, keyed by service. Takes about a millisecond; ``status`` keeps the result."""
    from dcmnet_cli.core.status_table_n import N_SERVICES

    found = [_section(block) for block in f"{_C_SERVICES}{N_SERVICES}".split("\n[")[1:]]
    return {section.key: section for section in found}


def _section(block: str) -> Section:
    heading, *lines = block.splitlines()
    names, _, rest = heading.partition("] ")
    key, _, parents = names.partition(" < ")
    title, _, words = rest.partition(" | ")
    operations = tuple(words.split())
    rows: dict[str, Row] = {}
    while lines:
        first = lines.pop(0)
        body = []
        while lines and lines[0].startswith("  "):
            body.append(lines.pop(0).strip())
        if first:
            row = _row(first, " ".join(body), operations)
            rows[row.code] = row
    return Section(key, title, tuple(parents.split()), operations, rows)


def _row(first: str, body: str, operations: tuple[str, ...]) -> Row:
    head, own, related = (*(part.strip() for part in first.split("|")), "", "")[:3]
    code, _, meaning = head.partition(" ")
    explanation, *remedies = (part.strip() for part in body.split("> "))
    return Row(code, meaning, tuple(own.split()) or operations, tuple(related.split()), explanation, tuple(remedies))
