"""The bounds of a rule, each with its reason."""

RULE_CHARS_MAX = 5_000  # the longest string the vendor's API takes
DEPTH_MAX = (
    64  # parentheses and negations inside each other; deeper rules cannot be read, or recursed
)
ARITHMETIC_OPERATORS_MAX = 32  # in one calculation; each is one level of the tree
DIAGNOSTICS_MAX = 20  # more of them do not help the author, and each suggestion costs time
