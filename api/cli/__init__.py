"""The command line: `steelyard NOUN VERB`.

Exit status 0: done; 1: refused or failed; 2: the command itself was wrong.
Every command takes `--json` for machines.
"""

from api.cli.app import main

__all__ = ["main"]
