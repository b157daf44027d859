"""``dcmnet demo``: our own commands, played against an archive of ours."""
