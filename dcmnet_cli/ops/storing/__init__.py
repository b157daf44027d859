"""``store``: the plan, what goes over which association, sending, and an outcome for every file."""
