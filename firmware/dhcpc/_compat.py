"""What the Pythons differ in. A board gets nothing of it: the tools that make its file take the
import away.
"""

TYPE_CHECKING = False  # type checkers take a variable of this name for True

if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")


def const(value: "T") -> "T":
    """Return the value. MicroPython's compiler puts it in place of the name, and a name that
    begins with an underscore then costs nothing.
    """
    return value
