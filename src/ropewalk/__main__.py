"""`python -m ropewalk` runs `ropewalk`.

If the first argument is a script, it runs `ropewalk exec`, so that `python -m ropewalk script.py` works like `python -m
pdb script.py`.
"""

import sys

from ropewalk.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(["exec", *arguments] if arguments and arguments[0].endswith(".py") else arguments, prog_name="ropewalk")
