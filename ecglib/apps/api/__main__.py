import sys

from ecglib.apps.api.command import main

if __name__ == "__main__":
    sys.exit(main())
