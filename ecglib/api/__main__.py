import sys

from ecglib.api import main

if __name__ == "__main__":
    sys.exit(main())
