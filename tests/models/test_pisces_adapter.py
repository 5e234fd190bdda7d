from __future__ import annotations

import pytest

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Ask, Draw, Picture

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def asks(red, blue) -> list[Ask]:
    return [
        Ask(text="What colour is it?", images=(red,)),
        Ask(text="Tell both apart.", images=(red, blue), temperature=0.8, seed=3),
        Ask(text="No picture here: " + "x" * 300, stop=("t",)),
        Ask(text="", images=(blue,), max_new_tokens=5),
    ]


DRAWS = [
    Draw(prompt=prompt, artifact=f"{seed}.png", seed=seed)
    for seed, prompt in enumerate(["a cat", "two dogs and a very long prompt", "a cat"])
]


def test_a_batch_gives_what_each_request_gives_alone(model, asks: list[Ask]) -> None:
    assert model.answer(asks) == [model.answer([ask])[0] for ask in asks]
    assert model.answer(asks[::-1]) == model.answer(asks)[::-1]
    together = [image.tobytes() for image in model.draw(DRAWS)]
    assert together == [model.draw([draw])[0].tobytes() for draw in DRAWS]


def test_prompt_and_seed_decide_a_drawing(model) -> None:
    requests = [
        Draw(prompt="a cat", artifact="x.png", seed=0, id="another", task="other"),
        Draw(prompt="a cat", artifact="x.png", seed=1),
        Draw(prompt="a dog", artifact="x.png", seed=0),
    ]
    same, seed, prompt = (image.tobytes() for image in model.draw(requests))
    reference = model.draw(DRAWS[:1])[0].tobytes()
    assert same == reference
    assert seed != reference
    assert prompt != reference


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64 - 1, 2**80])
def test_any_whole_number_is_a_seed(model, seed: int) -> None:
    assert model.draw([Draw(prompt="a", artifact="a.png", seed=seed)])[0].size == (64, 64)


def test_drawings_are_rgb_of_the_configured_size(model) -> None:
    image = model.draw(DRAWS[:1])[0]
    assert (image.mode, image.size) == ("RGB", (64, 64))


def test_the_picture_matters(model, red: Picture, blue: Picture) -> None:
    first, second = model.answer([Ask(text="?", images=(shown,)) for shown in (red, blue)])
    assert first != second


def test_answers_are_capped_by_the_configuration(model) -> None:
    text = model.answer([Ask(text="Tell me all.", max_new_tokens=500)])[0]
    assert 0 < len(text.encode(errors="replace").replace("\ufffd".encode(), b"?")) <= 16


def test_a_damaged_picture_is_the_datas_fault(model) -> None:
    with pytest.raises(TaskError):
        model.answer([Ask(text="?", images=(Picture(b"no image", "broken"),))])


def test_global_state_is_left_alone(model, asks: list[Ask]) -> None:
    import torch

    def state() -> tuple[object, ...]:
        return (
            torch.random.get_rng_state().tolist(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
        )

    before = state()
    model.answer(asks)
    model.draw(DRAWS)
    assert state() == before


def test_results_do_not_depend_on_the_global_random_state(model, asks: list[Ask]) -> None:
    import torch

    answers, drawing = model.answer(asks), model.draw(DRAWS)[0].tobytes()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        assert (model.answer(asks), model.draw(DRAWS)[0].tobytes()) == (answers, drawing)


@pytest.mark.parametrize("work", ["answer", "draw"])
def test_each_task_runs_only_its_own_image_path(new_network, asks: list[Ask], work: str) -> None:
    from pisces_eval.models.pisces.adapter import PiscesModel

    network = new_network()
    ran: set[str] = set()
    for name, part in network.named_children():
        for module in part.modules():
            module.register_forward_hook(lambda *_, name=name: ran.add(name))
    model = PiscesModel(network)
    if work == "answer":
        model.answer(asks)
        assert ran == {"understanding_encoder", "understanding_projector", "language", "text_head"}
    else:
        model.draw(DRAWS)
        assert ran == {"generation_projector", "language", "vector_head", "decoder"}


def test_the_fingerprint_changes_with_any_weight_and_any_setting(new_network) -> None:
    from pisces_eval.models.pisces.adapter import PiscesModel

    changed = new_network()
    changed.decoder.norm.bias[3] += 1e-6
    fingerprints = [
        PiscesModel(network).fingerprint()
        for network in (new_network(), new_network(), changed, new_network(max_text_tokens=15))
    ]
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) == 3
    assert all(len(fingerprint) == 64 for fingerprint in fingerprints)
