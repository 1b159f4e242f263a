"""`python -m ropewalk` runs `ropewalk`.

With a script as argument, it runs `ropewalk exec`, as `python -m pdb` runs a script.
"""

import sys

from ropewalk.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(["exec", *arguments] if arguments and arguments[0].endswith(".py") else arguments, prog_name="ropewalk")
