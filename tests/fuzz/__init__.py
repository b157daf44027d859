"""What a decoder must hold whatever bytes it gets, and two ways to look for bytes that break it.

The normal tests mutate the corpus for a second or two; ``python -m tests.fuzz pdu --seconds 60`` lets atheris, which
sees which lines were reached, look for longer. The corpus is one folder a target, with small files: each begins
somewhere new. What breaks a target goes in there as well, so that it is tried for ever after.
"""
