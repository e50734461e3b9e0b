"""`python -m service` and `penstock` are the same program."""

from service.cli import main

if __name__ == "__main__":
    main()
