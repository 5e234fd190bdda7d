from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.models.pisces import tokenizer

SPECIAL = {
    tokenizer.EOS,
    tokenizer.BOS,
    tokenizer.BOI,
    tokenizer.EOI,
    tokenizer.IMG,
    tokenizer.PAD,
}


@given(st.text())
def test_text_survives_the_way_to_ids_and_back(text: str) -> None:
    ids = tokenizer.encode(text)
    assert all(0 <= token < 256 for token in ids)
    assert tokenizer.decode(bytes(ids)) == text


@given(st.binary())
def test_any_bytes_become_text_that_can_be_written(content: bytes) -> None:
    tokenizer.decode(content).encode("utf-8")


def test_a_lone_surrogate_is_no_crash() -> None:
    assert tokenizer.encode("a\ud800b") == list(b"a?b")


def test_special_tokens_fill_the_vocabulary_behind_the_bytes() -> None:
    assert set(range(256, tokenizer.VOCABULARY_SIZE)) == SPECIAL


def test_images_come_before_the_text() -> None:
    assert tokenizer.question("A", 2) == [tokenizer.BOS, tokenizer.IMG, tokenizer.IMG, 65]


def test_a_drawing_is_asked_for_after_the_prompt() -> None:
    assert tokenizer.drawing("A") == [tokenizer.BOS, 65, tokenizer.BOI]
