"""`python -m benchmarks.attacks [OPTIONS]`."""

from benchmarks.attacks.run import main

if __name__ == "__main__":
    main()
