"""One object in another transfer syntax, nothing dropped, nothing altered in silence."""
