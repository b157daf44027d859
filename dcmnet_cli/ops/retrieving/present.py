"""What is here already, and need not come again (``--missing``)."""

from dcmnet_cli.ops.files.sources import find_sources
from dcmnet_cli.ops.storing.plan import make_plan


def instances_in(folder: str) -> frozenset[str]:
    """The SOP Instance UIDs of all whole objects in a folder and below it."""
    plan = make_plan(find_sources([folder]))
    groups = [group for batch in plan.batches for group in batch.groups]
    return frozenset(instance.file.sop_instance_uid for group in groups for instance in group.instances)
