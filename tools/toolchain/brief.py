"""Shortens names in the text of a module, just before mpy-cross: what is compiled is not quite the
text that you read.

A .mpy file has each name once, and one or two bytes for each place that refers to it. Three kinds
of names get shorter, and nobody outside the file can tell:

    self            becomes the file's own name, which the file has anyway; not if a name in it is
                    that already. It is passed by its place alone.
    time, of `import utime as time`, which package.py makes of `import time`
                    becomes utime: one name instead of two. A global variable; an attribute that is
                    called time stays.
    _begin          in the one file that every board gets, becomes _ and a letter, as variable and
                    as attribute. An underscore says that nobody else uses it. Extras keep
                    theirs, and use neither the long names of that file nor such short ones.

Strings stay as they are, so nothing is looked up by a name that is gone, and an f-string, which
may have names in it, leaves the whole file as it is. Each line stays where it is. A traceback of a
.mpy has the short names; it has no lines anyway, as mpy-cross leaves them out at -O3. With DEBUG=1
a board gets the text that you read.

test_brief.py holds all that, for each file that a board gets.
"""

from __future__ import annotations

import io
import itertools
import re
import tokenize
from string import ascii_lowercase

_PRIVATE = re.compile(r"_[a-z]\w+")


def shortened(text: str, name: str, root: bool) -> str:
    """The text with shorter names; as it is, if it is no Python. name: the file's own. root:
    whether it is the one file that every board gets."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, tokenize.TokenError):
        return text  # the compiler says what is wrong
    if any(token.type == tokenize.STRING and token.string[0] in "fF" for token in tokens):
        return text  # before Python 3.12 an f-string is one token, with names in it
    private = _private(tokens) if root else {}
    words = [
        token
        for before, token in itertools.pairwise([tokens[-1], *tokens])
        if token.type == tokenize.NAME and (before.string != "." or token.string in private)
    ]
    names = [word.string for word in words]
    shorter = private | _modules(names)
    if name not in names:
        shorter["self"] = name
    lines = text.splitlines(keepends=True)
    for word in reversed(words):
        if word.string in shorter:
            (row, start), (_, end) = word.start, word.end
            line = lines[row - 1]
            lines[row - 1] = line[:start] + shorter[word.string] + line[end:]
    return re.sub(r"import (\w+) as \1$", r"import \1", "".join(lines), flags=re.MULTILINE)


def _private(tokens: list[tokenize.TokenInfo]) -> dict[str, str]:
    # When the letters are used up, the rest stay as they are.
    found = {token.string for token in tokens if token.type == tokenize.NAME}
    free = (f"_{letter}" for letter in ascii_lowercase if f"_{letter}" not in found)
    return dict(zip(sorted(filter(_PRIVATE.fullmatch, found)), free, strict=False))


def _modules(names: list[str]) -> dict[str, str]:
    # Of each `import utime as time` here.
    return {
        alias: module
        for word, module, as_, alias in zip(names, names[1:], names[2:], names[3:], strict=False)
        if (word, as_) == ("import", "as") and module == f"u{alias}"
    }
