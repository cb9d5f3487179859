"""`python -m subtrait.cli` is `subtrait`."""

from subtrait.cli import main

if __name__ == "__main__":
    main()
