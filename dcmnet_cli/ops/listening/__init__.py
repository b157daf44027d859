"""``listen``: who may, what is taken, where it goes and what it is called, who is told."""
