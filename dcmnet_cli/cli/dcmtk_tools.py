"""DCMTK's network tools that have a counterpart here."""

COMMANDS = {
    "echoscu": "echo",
    "storescu": "store",
    "dcmsend": "store",
    "findscu": "find",
    "movescu": "move",
    "getscu": "get",
    "storescp": "listen",
    "dcmrecv": "listen",
    "dcmqrscp": "listen",
}
"""Our command for each tool."""
