"""`python -m local`: the same program as `batchdrop`."""

from local.cli.commands import main

if __name__ == "__main__":
    main()
