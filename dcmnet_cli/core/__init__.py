"""The protocol core: PS3.8 and PS3.7 as pure code. Bytes and times in, events and lists of buffers out.

No socket, clock, log or file. Read in this order:

    pdu           the seven PDUs and their items, as records
    codec         those records to bytes and back
    pdata         P-DATA-TF, both ways, without joining a data set
    state         table 9-10: what each event does in each state
    negotiation   proposals, the acceptor's decision, what was agreed
    commands      the 23 DIMSE messages, as records
    command_set   those records to bytes and back
    events        what an association tells its user
    identifier    the data sets of queries and answers: plain elements to bytes and back
    attributes, character_set                 what an identifier's elements are called, and its letters
    association   AssociationProtocol: the verbs that tie all of it together
    status, reasons, uids, text, banner       what numbers, UIDs and odd bytes mean in words
"""
