"""``python -m sionamespace`` is the command ``sionamespace``."""

import sys

from sionamespace.cli import main

if __name__ == "__main__":
    sys.exit(main())
