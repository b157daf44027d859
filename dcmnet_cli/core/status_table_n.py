"""The part of ``status_table`` that speaks of the services built on the N operations, in the same form."""

N_SERVICES = """
[mpps] Modality Performed Procedure Step | N-CREATE N-SET
0110 Processing failure | | 0902 0903
  With Error ID A710 it means that the step has ended and takes no more updates; otherwise an error inside
  the peer.
  > Here: send nothing after COMPLETED or DISCONTINUED. Later corrections are made at the information system.
0111 Duplicate SOP instance | N-CREATE | 1000
  The step exists already, usually because an earlier N-CREATE arrived although its answer was lost.
  > Here: go on with N-SET.
0112 No such SOP instance | N-SET | 1000
  The peer never got the N-CREATE of this step, or has dropped it.
  > Here: create the step first, on the same peer.
  > Peer: does it forward steps, or clear them after a while?

[mpps-get] Modality Performed Procedure Step Retrieve | N-GET
0001 Requested optional attributes are not supported
  The step was returned without some optional attributes.
0112 No such SOP instance | | 1000
  The peer does not have this step, or has it no longer.
  > Here: check the UID and that this peer was the one that got the step.

[commit] Storage Commitment | N-ACTION N-EVENT-REPORT
0000 Success
  The request was taken, no more. The verdict on each instance comes later, in an N-EVENT-REPORT.
  > Here: keep a listener running under our AE title.
  > Peer: it must know our host and port to deliver the verdict.
0110 Processing failure | Failure-Reason
  The archive could not check or secure this instance.
  > Peer: look in its log.
  > Here: send the instance again, then ask again.
0112 No such object instance | Failure-Reason
  The archive does not hold this instance.
  > Here: send the instance again, then ask again. Delete nothing until then.
0213 Resource limitation | Failure-Reason
  The archive has no room to keep this instance.
  > Peer: free or add storage.
  > Here: ask again later.
0122 Referenced SOP class not supported | Failure-Reason
  The archive gives no commitment for this kind of object.
  > Peer: check for which SOP classes it commits.
0119 Class/instance conflict | Failure-Reason
  The archive holds the instance under another SOP class than the request says.
  > Here: take the SOP Class UID from the instance itself.
0131 Duplicate transaction UID | Failure-Reason
  The Transaction UID belongs to another request.
  > Here: make a new Transaction UID for every request.

[print] Print Management | N-CREATE N-SET N-ACTION
0000 Success
  The printer took the session, the box, the image or the order. That film comes out is for the print job to
  say.
B600 Memory allocation not supported | N-CREATE
  The session was created; the printer does not reserve memory in advance.
B601 Film session printing (collation) is not supported | N-ACTION
  The films are printed, but not as a collated set.
  > Here: print film box by film box if the order matters.
B602 Film session has no image boxes (empty page) | N-ACTION
  The printer puts out an empty page: no image was set.
  > Here: set the images before printing.
B603 Film box has no image boxes (empty page) | N-ACTION
  The printer puts out an empty page: no image was set in this box.
  > Here: set the images before printing.
B604 Image larger than image box, demagnified | N-SET N-ACTION
  The image is printed smaller than asked, to fit its box.
  > Here: scale images to the printer's resolution, or choose a larger box.
B605 Requested min or max density outside the printer range | N-CREATE N-SET
  The printer uses the nearest density it can produce.
  > Here: ask for densities that its conformance statement lists.
B609 Image larger than image box, cropped | N-SET N-ACTION
  The edges of the image are cut off. Check that nothing of clinical value is lost.
  > Here: send a smaller image, or ask for decimation instead of cropping.
B60A Image or combined print image larger than image box, decimated | N-SET N-ACTION
  The image is printed with fewer pixels than it has.
  > Here: send a smaller image if detail matters.
C600 Film session has no film boxes | N-ACTION
  Nothing was printed: there is nothing in the session.
  > Here: create a film box before printing the session.
C601 Unable to create print job, print queue is full | N-ACTION
  The session was not printed.
  > Printer: clear the queue, look for a jam or empty magazine.
  > Here: try again later.
C602 Unable to create print job, print queue is full | N-ACTION
  The film box was not printed.
  > Printer: clear the queue, look for a jam or empty magazine.
  > Here: try again later.
C603 Image size is larger than image box size | N-SET N-ACTION
  The image was not taken: it does not fit its box, and the printer may not shrink it.
  > Here: send a smaller image, or allow demagnifying, cropping or decimation.
C604 Image position collision | N-ACTION
  Not printed: two images claim one position. A retired code of old printers.
  > Here: give every image a position of its own.
C605 Insufficient memory in printer to store the image | N-SET
  The image was not taken: the printer's memory is full.
  > Here: print or delete what is pending, then send it again; smaller images help.
C613 Combined print image size is larger than the image box size | N-SET N-ACTION
  The image was not taken: with its annotation or overlay it does not fit its box.
  > Here: send a smaller image, or choose a larger box.
C616 Existing film box not printed and film session printing not supported | N-CREATE
  The new film box was refused: this printer handles one at a time.
  > Here: print or delete the film box that is open.

[ups] Unified Procedure Step | N-CREATE N-SET N-GET N-ACTION C-FIND
0000 Success
  The step was created, changed or read as asked. For a cancel request it only says that the request was
  passed on.
0001 Requested optional attributes are not supported | N-SET N-GET
  Done without some optional attributes.
0111 Duplicate SOP instance | N-CREATE | 1000
  A step with this UID exists.
  > Here: use a new UID, or go on with the existing step if the answer to its creation was lost.
B300 The UPS was created with modifications | N-CREATE
  The server changed or added attributes.
  > Here: read the step back with N-GET before relying on it.
B301 Deletion lock not granted | N-ACTION
  Subscribed, but the server may delete the step as soon as it ends.
  > Here: fetch the results without delay.
B304 The UPS is already in the requested state of CANCELED | N-ACTION
  There was nothing to change.
B305 Coerced invalid values to valid values | N-SET
  The server replaced values that it could not keep.
  > Here: read the step back with N-GET and compare.
B306 The UPS is already in the requested state of COMPLETED | N-ACTION
  There was nothing to change.
C300 The UPS may no longer be updated | N-ACTION N-SET
  The step is completed or canceled.
  > Here: create a new step for further work.
C301 The correct Transaction UID was not provided | N-ACTION N-SET
  Whoever claimed the step holds a different Transaction UID, or ours was lost.
  > Here: send the Transaction UID with which the step was claimed. Only its owner may change it.
C302 The UPS is already IN PROGRESS | N-ACTION
  Another performer has claimed the step.
  > Here: take another one.
C303 The UPS may only become SCHEDULED via N-CREATE | N-ACTION
  A claimed step cannot go back.
  > Here: cancel it and create a new one.
C304 The UPS has not met final state requirements | N-ACTION
  Results that a finished step must have are missing.
  > Here: set the missing attributes with N-SET, then ask again.
C307 Specified SOP Instance UID does not exist or is not a UPS managed by this SCP | N-ACTION N-SET N-GET
  The server does not know this step.
  > Here: check the UID, and whether the step lives on another server.
C308 Receiving AE title is unknown to this SCP | N-ACTION
  The server has no address to send events to.
  > Peer: add an address for the AE title that is to receive the events.
C309 The provided value of UPS state was not SCHEDULED | N-CREATE
  The step was not created: every step starts as SCHEDULED.
  > Here: create it as SCHEDULED and claim it afterwards.
C310 The UPS is not yet IN PROGRESS | N-ACTION N-SET
  The step must be claimed before this can be done.
  > Here: change its state to IN PROGRESS first.
C311 The UPS is already COMPLETED | N-ACTION
  Too late to cancel.
C312 The performer cannot be contacted | N-ACTION
  The server has no way to pass the cancel request on.
  > Reach the performer by other means.
C313 Performer chooses not to cancel | N-ACTION
  The work goes on.
C314 Specified action not appropriate for specified instance | N-ACTION
  For instance, a single step was named where only a global subscription can be meant.
  > Here: use the well-known subscription instance, global or filtered.
C315 SCP does not support event reports | N-ACTION
  This server sends no events.
  > Here: ask at intervals, with C-FIND or N-GET.

[ups-find < worklist] Unified Procedure Step query | C-FIND
[ian] Instance Availability Notification | N-CREATE
[display] Display System Management | N-GET

[logging] Procedural Event Logging | N-ACTION
0000 Success
  The event is in the log.
B101 Synchronization frame of reference UID does not match that of the SCP
  The event is in the log, but the two clocks share no common time base.
  > Both sides: synchronize to the same time source.
B102 Study instance UID coercion; event logged under a different study
  The event is in the log of another study than the one named.
  > Here: check the Study Instance UID that was sent.
B104 IDs inconsistent in matching a current study; event logged
  The event is in the log, although its identifiers contradict each other.
  > Here: compare Patient ID and Study Instance UID with those of the open study.
C101 Procedural logging not available for specified study
  Not logged: the peer keeps no log for this study.
  > Peer: has the study been opened there?
C102 Event information does not match template
  Not logged: the content of the event is not built as its template says.
  > Here: check the event against the template.
C103 Cannot match event to a current study
  Not logged: no open study fits the event.
  > Here: compare Patient ID and Study Instance UID with those of the open study.
  > Peer: is the study still open?
C104 IDs inconsistent in matching a current study; event not logged
  Not logged: the identifiers sent contradict each other.
  > Here: compare Patient ID and Study Instance UID with those of the open study.

[substance-logging] Substance Administration Logging | N-ACTION
0000 Success
  The administration is in the record.
C10E Operator not authorized to add entry to medication administration record
  Not recorded: the operator lacks the right.
  > Peer: grant it, or let an authorized operator make the entry.
C110 Patient cannot be identified from Patient ID or Admission ID
  Not recorded: neither identifier leads to a patient.
  > Here: check both identifiers and their issuers.
C111 Update of medication administration record failed
  Not recorded: the peer failed to write the entry.
  > Peer: look in its log.

[media] Media Creation Management | N-ACTION N-GET N-CREATE
0001 Requested optional attributes are not supported | N-GET
  The request was returned without some optional attributes.
A510 An initiate media creation action has already been received for this SOP instance | N-ACTION
  The medium is being made already.
  > Here: wait for it, or create a new request for another copy.
C201 Media creation request already completed | N-ACTION
  Too late to cancel: the medium is finished.
C202 Media creation request already in progress and cannot be interrupted | N-ACTION
  Too late to cancel: the medium is being written.
C203 Cancellation denied for unspecified reason | N-ACTION
  The peer goes on with the medium.
  > Peer: look in its log, or cancel it there.

[inventory] Storage Management | N-ACTION
0000 Success
  The peer has taken the request; the inventory itself comes later.
B010 Attribute list error: one or more keys are not supported for matching | | 1005
  The request was taken, but some keys do not restrict the inventory.
  > Here: expect more than was asked for, and filter it.
0110 Processing failure | | 0902
  The peer could not take the request.
  > Peer: Error Comment and its log.
0124 Refused: not authorized | | 0902
  This caller may not order an inventory.
  > Peer: allow it for our calling AE title.
0212 Mistyped argument | | 0902
  The request holds a parameter that was not agreed on.
  > Here: compare the request with the definition of the action.
0213 Resource limitation | | 0902
  The peer has no capacity for an inventory now.
  > Here: ask again at a quiet hour.
  > Peer: look what is short.

[rt] RT Machine Verification | N-CREATE N-SET N-GET N-ACTION
0000 Success
  The verification object was created, changed or read, or the verification started.
C112 Applicable machine verification instance not found | N-GET N-ACTION
  The peer knows no verification with this UID.
  > Here: create it first, and check the UID.
C221 The referenced fraction group number does not exist in the referenced plan | N-CREATE
  Not created: the plan has no such fraction group.
  > Here: check that both sides hold the same version of the plan.
C222 No beams exist within the referenced fraction group | N-CREATE
  Not created: there is no beam to verify.
  > Here: check the fraction group against the plan.
C223 SCU already verifying and cannot currently process this request | N-CREATE
  Not created: another verification is under way.
  > Here: finish or delete the other one first.
C224 Referenced beam number not found within the referenced fraction group | N-SET
  Not changed: the fraction group has no such beam.
  > Here: check the beam number against the plan.
C225 Referenced device or accessory not supported | N-SET
  Not changed: the peer cannot verify this device.
  > Peer: check which devices and accessories it supports.
C226 Referenced device or accessory not found within the referenced beam | N-SET
  Not changed: the beam does not use this device.
  > Here: check the device against the plan.
C227 No such object instance: referenced RT plan not found | N-CREATE
  Not created: the peer does not have the plan.
  > Here: send the plan to the peer first, and check its UID.
"""
