"""`python -m benchmarks.site [OPTIONS]`, in an environment that has the packages."""

from benchmarks.site.run import main

if __name__ == "__main__":
    main()
