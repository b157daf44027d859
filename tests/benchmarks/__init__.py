"""Side by side with the peers that are installed: ``python -m tests.benchmarks``."""
