"""``move`` and ``get``: what is there, what was claimed, what arrived."""
