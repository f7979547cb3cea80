r"""The model's patterns, which are written for Java, as Python's `re` understands them.

The differences that matter here:
- `\d`, `\w`, `\s`, `\S` are ASCII in Java; so they are with `re.ASCII`.
- `\p{L}`, `\p{N}` (letters, numbers) do not exist in `re`. Wherever the model uses them, `_` is in the same
  class, and letters, numbers and `_` together are exactly Python's Unicode `\w`. A test holds this against
  `unicodedata`. `\p{Z}` (separators) is the list below.
- A pattern must match the whole value.
"""

from __future__ import annotations

import re

# Unicode general category Z: space, line and paragraph separators.
SEPARATORS = "\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_LETTERS_SEPARATORS_NUMBERS = r"\p{L}\p{Z}\p{N}_"


def translate(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of the service model, to be used with `fullmatch`.

    Raises:
        ValueError: the pattern uses a property that this module does not know.
    """
    translated = pattern.replace(_LETTERS_SEPARATORS_NUMBERS, r"\w" + SEPARATORS)
    if r"\p" in translated or r"\P" in translated:
        raise ValueError(f"pattern {pattern!r} uses a Unicode property that is not translated")
    return re.compile(translated, re.ASCII if translated == pattern else re.UNICODE)
