"""Sentences of others, put into ours."""


def going_on(text: object) -> str:
    """A sentence as it goes on after a colon; a word in capitals stays so.

    >>> going_on("Expected `int`"), going_on("JSON is malformed")
    ('expected `int`', 'JSON is malformed')
    """
    words = str(text)
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]
