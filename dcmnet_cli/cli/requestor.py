"""What every command has that works with a peer: the options, and what they come to."""

from collections.abc import Sequence
from typing import NamedTuple

from dcmnet_cli.cli.config import Configuration, load_configuration
from dcmnet_cli.cli.options import AssociationOptions, IdentityOptions, JUnitOptions, OutputOptions, TimeoutOptions
from dcmnet_cli.cli.peer import take_peer
from dcmnet_cli.cli.reporting import make_output
from dcmnet_cli.cli.settings import resolve_settings
from dcmnet_cli.cli.tls_options import TLSOptions
from dcmnet_cli.ops.target import Target
from dcmnet_cli.render.output import Output


class Call(NamedTuple):
    """Whom to call and where to show it. ``rest`` is what stood on the command line behind the peer."""

    target: Target
    rest: list[str]
    configuration: Configuration
    output: Output


class RequestorOptions(NamedTuple):
    """Everything about a peer and its association that can be said on the command line."""

    output: OutputOptions = OutputOptions()
    junit: JUnitOptions = JUnitOptions()
    association: AssociationOptions = AssociationOptions()
    timeouts: TimeoutOptions = TimeoutOptions()
    identity: IdentityOptions = IdentityOptions()
    tls: TLSOptions = TLSOptions()

    def call(self, command: str, words: Sequence[str] | None) -> Call:
        """Merge with environment and configuration. Raises UsageError, InputError and OutputError."""
        output = make_output(self.output, self.junit.file(command))
        configuration = load_configuration(self.association.local.config)
        peer, rest = take_peer(words, configuration)
        target = resolve_settings(
            command, peer, configuration, self.association, self.timeouts, self.tls, self.identity
        )
        return Call(target, rest, configuration, output)
