from __future__ import annotations

import pytest

from pisces_eval.errors import ModelError
from pisces_eval.models.pisces import tokenizer

pytestmark = pytest.mark.torch


@pytest.fixture
def network(new_network):
    return new_network()


def write(network, text="Hi", *, images=(), limit=40, stop=(), temperature=0.0, seed=0) -> str:
    import torch

    from pisces_eval.models.pisces import sampling

    return sampling.answer(
        network,
        text,
        images,
        max_new_tokens=limit,
        stop=stop,
        temperature=temperature,
        generator=torch.Generator().manual_seed(seed),
    )


def dictate(network, tokens) -> None:
    """Make the text head want these tokens, one after the other."""
    import torch

    class Script(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = iter(tokens)

        def forward(self, hidden):
            logits = torch.zeros(*hidden.shape[:2], tokenizer.VOCABULARY_SIZE)
            logits[..., next(self.tokens)] = 9.0
            return logits

    network.text_head = Script()


def test_eos_ends_the_answer(network) -> None:
    dictate(network, [*b"yes", tokenizer.EOS, *b"more"])
    assert write(network) == "yes"


def test_the_limit_ends_the_answer(network) -> None:
    dictate(network, b"abcdef")
    assert write(network, limit=3) == "abc"


def test_no_tokens_are_no_answer(network) -> None:
    assert write(network, limit=0) == ""


@pytest.mark.parametrize(
    ("stop", "answer"),
    [(("\n\n",), "one\ntwo"), (("two", "\n\n"), "one\n"), (("\nt", "e\nt"), "on")],
)
def test_the_answer_ends_before_the_first_stop_string(network, stop, answer) -> None:
    dictate(network, b"one\ntwo\n\nthree")
    assert write(network, limit=14, stop=stop) == answer


def test_a_stop_string_beyond_ascii_is_found(network) -> None:
    dictate(network, "a。b".encode())
    assert write(network, limit=5, stop=("。",)) == "a"


def test_special_tokens_are_never_written(network) -> None:
    import torch

    network.text_head.weight.zero_()
    network.text_head.weight[tokenizer.EOS + 1 :] = 100 * torch.randn(
        tokenizer.VOCABULARY_SIZE - tokenizer.EOS - 1,
        network.config.language.hidden_size,
        generator=torch.Generator().manual_seed(0),
    )
    assert write(network, limit=3) == "\0\0\0"


def test_bytes_that_are_no_utf8_become_replacement_characters(network) -> None:
    dictate(network, [0xC3, 0x28, tokenizer.EOS])
    assert write(network) == "\ufffd("


def test_cached_generation_is_generation_from_scratch(network) -> None:
    """The greedy answer equals the one that re-reads the whole sequence for each token."""
    written: list[int] = []
    for _ in range(12):
        sequence = network.embed([*tokenizer.question("What?", 0), *written])
        hidden, _ = network.read(sequence, None)
        logits = network.text_head(hidden[:, -1])[0, : tokenizer.EOS + 1]
        written.append(int(logits.argmax()))
    assert write(network, "What?", limit=12) == tokenizer.decode(bytes(written))


def test_temperature_draws_with_the_seed(network) -> None:
    texts = [write(network, temperature=1.0, seed=seed, limit=12) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_every_image_is_seen_in_order(network) -> None:
    from PIL import Image

    red, blue = (Image.new("RGB", (30, 20), colour) for colour in ("red", "blue"))
    answers = {write(network, images=shown, limit=16) for shown in ((red, blue), (blue, red))}
    assert len(answers) == 2


def test_a_request_beyond_the_positions_is_refused(new_network) -> None:
    from pisces_eval.models.pisces.config import LanguageConfig

    small = LanguageConfig(
        hidden_size=64,
        intermediate_size=64,
        layers=1,
        heads=4,
        key_value_heads=2,
        max_positions=20,
    )
    with pytest.raises(ModelError, match="31 positions; the model has 20"):
        write(new_network(language=small), "x" * 30)


def test_weights_that_are_not_finite_are_reported(network) -> None:
    import torch

    from pisces_eval.models.pisces import sampling

    network.text_head.weight.fill_(float("nan"))
    network.decoder.velocity.weight.fill_(float("inf"))
    with pytest.raises(ModelError, match="text head"):
        write(network)
    with pytest.raises(ModelError, match="decoder"):
        sampling.draw(network, "a cat", torch.Generator())


class TestImagining:
    def from_scratch(self, network, prompt: str):
        """The visual vectors when the whole sequence is read again for each."""
        import torch

        sequence = network.embed(tokenizer.drawing(prompt))
        vectors = []
        for _ in range(network.config.generation_tokens):
            hidden, _ = network.read(sequence, None)
            vectors.append(network.vector_head(hidden[:, -1:]))
            sequence = torch.cat((sequence, network.generation_projector(vectors[-1])), dim=1)
        return torch.cat(vectors, dim=1)

    def test_each_vector_follows_from_those_before(self, network) -> None:
        import torch

        from pisces_eval.models.pisces.sampling import imagine

        vectors = imagine(network, "a dog")
        assert vectors.shape == (1, 4, network.config.generation.hidden_size)
        torch.testing.assert_close(
            vectors, self.from_scratch(network, "a dog"), rtol=1e-5, atol=1e-5
        )

    def test_guidance_leads_away_from_the_empty_prompt(self, new_network) -> None:
        import torch

        from pisces_eval.models.pisces.sampling import imagine

        plain = new_network()
        expected = 3 * imagine(plain, "a dog")[:, 0] - 2 * imagine(plain, "")[:, 0]
        guided = imagine(new_network(text_guidance=3.0), "a dog")[:, 0]
        torch.testing.assert_close(guided, expected, rtol=1e-5, atol=1e-5)
