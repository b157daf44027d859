"""A wish to stop, between whoever has had enough and whoever does the work."""


class Stop:
    """Whether the user has had enough. ``ask`` is safe in a signal handler; ``after`` is a number of pending responses
    after which to stop, 0 for none.
    """

    def __init__(self, after: int = 0) -> None:
        self.after = after
        self.is_asked = False

    def ask(self) -> None:
        """Stop as soon as the association allows it, in good order."""
        self.is_asked = True
