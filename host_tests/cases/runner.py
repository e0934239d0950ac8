"""Runs cases in a VM. What conftest.py reads of each:

RS, name, newline, what the case printed, US, verdict, newline, traceback.
"""

import gc
import sys

from kit import Skip


def run(module, name):
    print("\x1e" + name)
    try:
        getattr(__import__(module), name)()
        print("\x1fpassed")
    except Skip as e:
        print("\x1fskipped", e)
    except BaseException as e:
        print("\x1ffailed")
        sys.print_exception(e, sys.stdout)
    gc.collect()
