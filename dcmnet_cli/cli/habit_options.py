"""DCMTK's options that ask for what is done anyway: read, so that scripts go on working, and not listed in the help."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from dcmnet_cli.cli.checks import exclude
from dcmnet_cli.cli.options import known_default

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcmnet_cli.cli.listen_options import NameFamily, StorageOptions


class SendingHabits(NamedTuple):
    """Of storescu and dcmsend."""

    read_dataset: Annotated[bool, known_default("-f", "--read-dataset")] = False  # a file's contents tell what it is
    new_vr: Annotated[bool, known_default("+u", "--enable-new-vr")] = False
    uid_padding: Annotated[bool, known_default("-up", "--uid-padding")] = False  # padding is read as what it stands for


class ReceivingHabits(NamedTuple):
    """Of storescp, dcmrecv, dcmqrscp, movescu and getscu."""

    normal: Annotated[bool, known_default("-B", "--normal")] = False
    write_file: Annotated[bool, known_default("+F", "--write-file")] = False
    write_same: Annotated[bool, known_default("+t=", "--write-xfer-same")] = False
    new_vr: Annotated[bool, known_default("+u", "--enable-new-vr")] = False
    group_length: Annotated[bool, known_default("+g=", "--group-length-recalc")] = False
    length_explicit: Annotated[bool, known_default("+e", "--length-explicit")] = False
    padding_off: Annotated[bool, known_default("-p", "--padding-off")] = False
    retain_un: Annotated[bool, known_default("-uc", "--retain-un")] = False
    uid_padding: Annotated[bool, known_default("-up", "--uid-padding")] = False
    access_full: Annotated[bool, known_default("-ac", "--access-full")] = False
    no_host_lookup: Annotated[bool, known_default("-dhl", "--disable-host-lookup")] = False  # there is none

    def check(self, storage: "StorageOptions") -> None:
        """Raises UsageError where a default is spelled out beside its opposite."""
        exclude(("-B", self.normal), ("+B", storage.bit_preserving))
        exclude(
            ("+t=", self.write_same),
            ("+te", storage.write_little),
            ("+ti", storage.write_implicit),
            ("+td", storage.write_deflated),
        )


class ListenerHabits(NamedTuple):
    """Of storescp, dcmrecv and dcmqrscp: there are no child processes, and as many associations at once as may be."""

    receiving: ReceivingHabits = ReceivingHabits()
    single_process: Annotated[bool, known_default("--single-process")] = False
    fork: Annotated[bool, known_default("--fork")] = False
    plain: Annotated[bool, known_default("-s", "--no-subdir")] = False  # dcmqrscp's -s is --single-process
    use_called_title: Annotated[bool, known_default("-uca", "--use-called-aetitle")] = False

    def check(self, storage: "StorageOptions", names: "NameFamily", called: "Sequence[str]") -> None:
        """Raises UsageError where a default is spelled out beside its opposite."""
        self.receiving.check(storage)
        exclude(("--single-process", self.single_process), ("--fork", self.fork))
        exclude(("-s", self.plain), ("+ssd", names.sort_date))
        exclude(("-uca", self.use_called_title), ("--called", called))
