"""What these tests share with those of ``interop``: our commands as processes, and certificates."""

from tests.interop.conftest import certificates as certificates
from tests.interop.conftest import listener as listener
