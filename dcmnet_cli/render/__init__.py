"""Results to screens, plain lines and JSON. Nothing here decides anything; ``ops.results`` holds the facts.

A terminal gets one screen on stdout, laid out for its width. A pipe gets results as lines on stdout (cells parted
by tabs, times always in ms) and everything else on stderr; what stdout says does not change with ``-v``. ``--json``
gives the same facts as one object, and ``-q`` leaves nothing but the line that says what failed.
"""
