"""`python -m benchmarks.dropin [OPTIONS]`, in an environment that has the packages."""

from benchmarks.dropin.run import main

if __name__ == "__main__":
    main()
