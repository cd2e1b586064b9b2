import sys

from ecglib.archive import main

if __name__ == "__main__":
    sys.exit(main())
