"""`python -m ropewalk` is `ropewalk`; before a script it is `ropewalk exec`, as with `python -m pdb` and its like."""

import sys

from ropewalk.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(["exec", *arguments] if arguments and arguments[0].endswith(".py") else arguments, prog_name="ropewalk")
