"""What befalls a network toolkit in its life: kills, full disks, crowds, bad certificates; and what it must not tell.

The numbers here are for every day. ``DCMNET_FAULTS=full`` is for a quarter of an hour: two hundred kills of each kind,
five thousand associations in a row.

    DCMNET_FAULTS=full python -m pytest -s tests/faults
"""

import os

IS_FULL = os.environ.get("DCMNET_FAULTS") == "full"
