"""Images as tensors and back. All pixel values inside the network lie in [-1, 1]."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pisces_eval.errors import ModelError


def to_pixels(image: Image.Image, side: int) -> Tensor:
    """An RGB image of any size as float32 (1, 3, side, side), mean 0.5 and deviation 0.5 as SigLIP.

    The image is resized to the square by Pillow's bicubic filter; its aspect ratio is not kept.
    """
    square = image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    values = torch.from_numpy(np.array(square, dtype=np.float32))
    return ((values / 255 - 0.5) / 0.5).permute(2, 0, 1).unsqueeze(0)


def to_image(pixels: Tensor) -> Image.Image:
    """An RGB image of (1, 3, H, W); values beyond [-1, 1] are clipped.

    Raises ModelError if a value is not finite.
    """
    if not bool(torch.isfinite(pixels).all()):
        raise ModelError("the image decoder made values that are not finite: check the weights")
    levels = ((pixels[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())
