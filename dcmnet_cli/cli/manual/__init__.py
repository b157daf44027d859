"""Man pages and shell completions, made of the Typer tree and a few texts. ``python -m dcmnet_cli.cli.manual`` writes
them into ``man`` and ``completions``; a test fails while what lies there is not what would be written.
"""
