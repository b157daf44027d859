"""Where DICOM files come from: folders, lists, DICOMDIRs, archives, read in place."""
