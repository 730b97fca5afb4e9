r"""Names and other text that users and files give: it is shown as text, and steers nothing.

A name must be one line of characters that can be seen. What a terminal would obey (control
characters, marks that turn the direction of writing) is written as an escape such as ``\x1b``.
"""

__all__ = ["check_name", "printable"]


def check_name(what: str, name: str) -> None:
    """Refuse a name that cannot be shown as it is.

    Args:
        what: What it is the name of, for the message.
        name: The name.

    Raises:
        ValueError: If it has characters that cannot be printed, such as escapes and line breaks.
    """
    if not name.isprintable():
        raise ValueError(
            f"{what}: expected a name of printable characters, got '{printable(name)}'"
        )


def printable(text: str) -> str:
    r"""Write what cannot be printed as escapes; line breaks and tabs stay.

    Args:
        text: Any text.

    Returns:
        Text that steers no terminal.

    Example:
        >>> print(printable("\x1b[31mred"))
        \x1b[31mred
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter in "\n\t"
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
