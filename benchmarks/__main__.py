"""`python -m benchmarks [OPTIONS]` runs the benchmarks, `python -m benchmarks soak [OPTIONS]` the soak."""

import sys

from benchmarks.prepare import enter

if __name__ == "__main__":
    if sys.argv[1:2] == ["soak"]:
        enter("benchmarks.soak", sys.argv[2:])
    enter("benchmarks.run", sys.argv[1:])
