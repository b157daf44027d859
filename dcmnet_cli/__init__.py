"""DICOM networking: a pure protocol core under a family of commands. See ``dcmnet_cli.core`` for the tour."""

__version__ = "0.1.0"
