"""``listen --archive``: the query and retrieve services on top of the index."""
