from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def network(new_network):
    return new_network()


@pytest.fixture
def pixels():
    import torch

    return torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_understanding_keeps_every_patch(network) -> None:
    import torch

    seen = network.see(torch.zeros(2, 3, 56, 56))
    assert seen.shape == (2, 16, network.config.language.hidden_size)


def test_visual_vectors_are_means_over_squares_of_patches(network, pixels) -> None:
    import torch

    features = network.generation_encoder(pixel_values=pixels).last_hidden_state
    vectors = network.visual_vectors(pixels)
    assert vectors.shape == (2, 4, network.config.generation.hidden_size)
    # The second vector is the top right of an 8 x 8 grid: rows 0 to 3, columns 4 to 7.
    square = [8 * row + column for row in range(4) for column in range(4, 8)]
    torch.testing.assert_close(vectors[:, 1], features[:, square].mean(dim=1))


def test_pool_stride_sets_the_number_of_vectors(new_network, pixels) -> None:
    network = new_network(pool_stride=2)
    assert network.visual_vectors(pixels).shape[1] == network.config.generation_tokens == 16


def test_cached_reading_is_reading_the_whole(network) -> None:
    import torch

    embeddings = network.embed(list(b"the cat sat on the mat"))
    whole, _ = network.read(embeddings, None)
    cache, parts = None, []
    for piece in (embeddings[:, :5], embeddings[:, 5:6], embeddings[:, 6:]):
        hidden, cache = network.read(piece, cache)
        parts.append(hidden)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=1e-5, atol=1e-5)


def test_later_tokens_do_not_change_earlier_states(network) -> None:
    import torch

    short, _ = network.read(network.embed(list(b"abc")), None)
    long, _ = network.read(network.embed(list(b"abcdef")), None)
    torch.testing.assert_close(long[:, :3], short, rtol=1e-5, atol=1e-5)


def test_building_and_filling_leave_the_global_random_state_alone(new_network) -> None:
    import torch

    before = torch.random.get_rng_state()
    new_network()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_weights_depend_on_the_seed_alone(new_network) -> None:
    import torch

    first, again, other = new_network(1).tensors(), new_network(1).tensors(), new_network(2)
    assert all(torch.equal(tensor, again[name]) for name, tensor in first.items())
    assert not torch.equal(first["text_head.weight"], other.text_head.weight)


def test_the_network_is_ready_for_inference(network) -> None:
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_tensor_names_do_not_depend_on_the_transformers_release(network, monkeypatch) -> None:
    nested = {
        name.replace("_encoder.", "_encoder.vision_model."): tensor
        for name, tensor in reversed(network.tensors().items())
    }
    names = list(network.tensors())
    monkeypatch.setattr(network, "state_dict", lambda: nested)
    assert list(network.tensors()) == names == sorted(names)


class TestDecoder:
    def draw(self, network, seed: int = 0):
        import torch

        vectors = torch.ones(1, 4, network.config.generation.hidden_size)
        noise = torch.randn(
            network.decoder.noise_shape, generator=torch.Generator().manual_seed(seed)
        )
        return noise, network.decoder.draw(vectors, noise)

    def test_without_velocity_the_noise_stays(self, new_network) -> None:
        import torch

        network = new_network()
        network.decoder.velocity.weight.zero_()
        noise, pixels = self.draw(network)
        assert torch.equal(pixels, noise)

    def test_a_constant_velocity_is_travelled_for_one_unit_of_time(self, new_network) -> None:
        import torch

        network = new_network()
        network.decoder.velocity.weight.zero_()
        network.decoder.velocity.bias.fill_(0.25)
        noise, pixels = self.draw(network)
        torch.testing.assert_close(pixels, noise + 0.25)

    def test_the_visual_vectors_matter(self, network) -> None:
        import torch

        noise = torch.zeros(network.decoder.noise_shape)
        size = network.config.generation.hidden_size
        first, second = (
            network.decoder.draw(torch.full((1, 4, size), value), noise) for value in (0.0, 1.0)
        )
        assert not torch.allclose(first, second)

    def test_the_order_of_the_vectors_matters(self, network) -> None:
        import torch

        noise = torch.zeros(network.decoder.noise_shape)
        size = network.config.generation.hidden_size
        vectors = torch.arange(4.0).view(1, 4, 1).expand(1, 4, size)
        forth, back = (network.decoder.draw(v, noise) for v in (vectors, vectors.flip(1)))
        assert not torch.equal(forth, back)

    def test_guidance_changes_the_drawing(self, new_network) -> None:
        import msgspec
        import torch

        plain = new_network()
        stronger = msgspec.structs.replace(plain.config.decoder, guidance=3.0)
        assert not torch.allclose(self.draw(plain)[1], self.draw(new_network(decoder=stronger))[1])

    def test_guidance_is_linear_between_its_ends(self) -> None:
        import torch

        from pisces_eval.models.pisces.decoder import guided

        yes, no = torch.tensor([3.0]), torch.tensor([1.0])
        assert [float(guided(yes, no, scale)) for scale in (0, 1, 2)] == [1.0, 3.0, 5.0]
