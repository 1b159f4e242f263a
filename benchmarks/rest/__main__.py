"""`python -m benchmarks.rest [OPTIONS]`, in an environment that has the packages."""

from benchmarks.rest.run import main

if __name__ == "__main__":
    main()
