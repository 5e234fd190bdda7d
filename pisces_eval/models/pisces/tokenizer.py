"""Text as bytes: every UTF-8 byte is a token, and six special tokens follow.

Full-size Pisces reads Llama's tokens; bytes need no vocabulary file and serve any size.
"""

from __future__ import annotations

EOS = 256
"""Ends an answer; first of the special tokens, so that all a text may hold is ids 0 to EOS."""
BOS = 257
"""Begins every sequence."""
BOI = 258
"""Asks for visual vectors: a drawing follows."""
EOI = 259
"""Ends a drawing in training sequences; drawing itself stops after a fixed number of vectors."""
IMG = 260
"""Stands where an image that is looked at puts its vectors."""
PAD = 261
"""Fills training batches."""

VOCABULARY_SIZE = 262


def encode(text: str) -> list[int]:
    """The ids of a text's UTF-8 bytes, each 0 to 255; a lone surrogate becomes a question mark."""
    return list(text.encode("utf-8", errors="replace"))


def decode(content: bytes) -> str:
    """The text of UTF-8 bytes; what is not UTF-8 becomes U+FFFD."""
    return content.decode("utf-8", errors="replace")


def question(text: str, images: int) -> list[int]:
    """The sequence to answer: one IMG for each image, all before the text, as in the paper."""
    return [BOS, *[IMG] * images, *encode(text)]


def drawing(prompt: str) -> list[int]:
    """The sequence after which visual vectors follow; an empty prompt is no condition."""
    return [BOS, *encode(prompt), BOI]
