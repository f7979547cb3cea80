"""`python -m candid_verify`: the command `candid-verify`."""

import sys

from candid_verify.command import main

if __name__ == "__main__":
    sys.exit(main())
