"""``python -m gbimb`` is the command ``gbimb``."""

from gbimb.cli import main

if __name__ == "__main__":
    main()
