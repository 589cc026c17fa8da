"""What a terminal is shown that cannot show everything, such as one that knows ASCII only."""

import codecs

ERRORS = "shop.plain"
"""The name under which this is known as an error handler of encodings."""

# Marks stand in columns, so each gets one character; then what stands in texts.
PLAIN: dict[int, int | str] = {
    **str.maketrans("✓✗…↩▸✉≠×µ·", "vX~<>@#xu-"),
    **str.maketrans("“”’–—\N{NO-BREAK SPACE}", '""\'-- '),
    ord("→"): "->",
    ord("€"): "EUR",
    ord("£"): "GBP",
}


def plainly(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be encoded with something that resembles it, or a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(PLAIN)
    return text.encode("ascii", "replace").decode("ascii"), error.end


codecs.register_error(ERRORS, plainly)
