from __future__ import annotations

import msgspec
import pytest

from pisces_eval.models.pisces.config import (
    DecoderConfig,
    LanguageConfig,
    PiscesConfig,
    TowerConfig,
)
from pisces_eval.models.pisces_tiny import TINY


def test_the_defaults_see_729_patches_as_siglip_does() -> None:
    assert PiscesConfig().understanding.grid ** 2 == 729


def test_pooling_decides_the_number_of_vectors() -> None:
    assert PiscesConfig().generation_tokens == (24 // 4) ** 2
    assert PiscesConfig(pool_stride=8).generation_tokens == (24 // 8) ** 2


@pytest.mark.parametrize("config", [PiscesConfig(), TINY])
def test_json_keeps_every_setting(config: PiscesConfig) -> None:
    assert msgspec.json.decode(msgspec.json.encode(config), type=PiscesConfig) == config


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PiscesConfig(pool_stride=7), "generation grid .24. .* pool_stride .7."),
        (lambda: TowerConfig(heads=7), "hidden_size"),
        (lambda: TowerConfig(image_size=8), "patch_size is larger"),
        (lambda: LanguageConfig(key_value_heads=5), "key_value_heads"),
        (lambda: LanguageConfig(hidden_size=96, heads=32), "even"),
        (lambda: DecoderConfig(patch_size=100), "image_size"),
        (lambda: DecoderConfig(hidden_size=33, heads=3), "multiple of 2"),
    ],
)
def test_sizes_that_cannot_be_built_are_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "text", ['{"decoder": {"step": 3}}', '{"pool_stride": 0}', '{"text_guidance": -1}']
)
def test_files_with_unknown_or_impossible_settings_are_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=PiscesConfig)
