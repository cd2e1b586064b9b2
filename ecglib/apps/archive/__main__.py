import sys

from ecglib.apps.archive.command import main

if __name__ == "__main__":
    sys.exit(main())
