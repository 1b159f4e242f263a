"""`python -m benchmarks [KIND] [OPTIONS]`: the benchmarks, or another kind of run: dropin, rest, site, soak, attacks or
stops."""

import sys

from benchmarks.prepare import enter

if __name__ == "__main__":
    if sys.argv[1:2] == ["attacks"]:
        from benchmarks.attacks.run import main

        main(sys.argv[2:])
    if sys.argv[1:2] == ["stops"]:
        from benchmarks.stops import main

        main(sys.argv[2:])
    if sys.argv[1:2] == ["dropin"]:
        enter("benchmarks.dropin.run", sys.argv[2:])
    if sys.argv[1:2] == ["rest"]:
        enter("benchmarks.rest.run", sys.argv[2:])
    if sys.argv[1:2] == ["site"]:
        enter("benchmarks.site.run", sys.argv[2:])
    if sys.argv[1:2] == ["soak"]:
        enter("benchmarks.soak", sys.argv[2:])
    enter("benchmarks.run", sys.argv[1:])
