"""``find``: keys as users write them, identifiers, answers as they come."""
