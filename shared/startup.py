"""While a function starts, Python's garbage collector rests.

Importing makes a hundred thousand objects and no garbage; looking through them again and again
takes an eighth of a start's processor time. On Lambda alone: elsewhere nobody would end the rest.
"""

import gc
import os


def rest() -> None:
    """Before anything else is imported."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        gc.disable()


def is_ready() -> None:
    """Everything is imported: from now on the collector looks at what comes, and at that alone."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
