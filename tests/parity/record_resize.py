"""Records what OpenCV makes of seeded pictures, for tests/detectors/test_opencv_resize.py.

Runs in an environment of its own, never in ours, and needs no network:

    python -m venv reference
    reference/bin/pip install numpy opencv-python-headless==4.12.0.88
    reference/bin/python tests/parity/record_resize.py

Pictures are random bytes from NumPy's PCG64, whose stream is stable across versions; only digests
of the results are kept. The second part is mmcv 1.7's normalisation of every 8-bit value, which
subtracts the mean and multiplies with the reciprocal of the deviation, both by OpenCV.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np

FIXTURE = Path(__file__).parent / "fixtures" / "opencv_resize.json"
SEED = 20220504

# mmdet keeps them in float32; mmcv then computes with their float64 values.
MEAN = np.array([123.675, 116.28, 103.53], dtype=np.float32).astype(np.float64)
STD = np.array([58.395, 57.12, 57.375], dtype=np.float32).astype(np.float64)

SIZES = (
    # (old height, old width, new height, new width), first as the detector has them
    (256, 256, 800, 800),
    (384, 384, 800, 800),
    (512, 512, 800, 800),
    (1024, 1024, 800, 800),
    (1344, 768, 1333, 762),
    (1216, 832, 1169, 800),
    (720, 1280, 750, 1333),
    (480, 640, 800, 1067),
    (800, 800, 800, 800),
    # exact factors
    (64, 64, 32, 32),
    (64, 48, 16, 12),
    (66, 99, 22, 33),
    (30, 40, 60, 80),
    (30, 40, 90, 120),
    (64, 48, 32, 48),
    (64, 48, 64, 24),
    # odd sizes, up and down and both
    (7, 5, 13, 11),
    (13, 11, 7, 5),
    (101, 37, 64, 91),
    (33, 65, 97, 31),
    (127, 255, 126, 254),
    (127, 255, 128, 256),
    (3, 3, 2, 2),
    (2, 2, 3, 3),
    (5, 9, 4, 8),
    (211, 199, 67, 71),
    (97, 89, 89, 97),
    # a single pixel, row or column on either side
    (1, 1, 1, 1),
    (1, 1, 5, 7),
    (5, 7, 1, 1),
    (1, 9, 1, 4),
    (9, 1, 4, 1),
    (1, 4, 3, 9),
    (4, 1, 9, 3),
    (1, 300, 17, 900),
    (300, 2, 800, 5),
    (2, 500, 1, 333),
    (17, 1, 40, 1),
)


def main() -> None:
    generator = np.random.Generator(np.random.PCG64(SEED))
    resized = []
    for old_height, old_width, new_height, new_width in SIZES:
        shape = (old_height, old_width, 3)
        pixels = np.frombuffer(generator.bytes(old_height * old_width * 3), np.uint8).reshape(shape)
        result = cv2.resize(pixels, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
        resized.append(
            {
                "size": [old_height, old_width],
                "to": [new_height, new_width],
                "sha256": hashlib.sha256(np.ascontiguousarray(result).tobytes()).hexdigest(),
            }
        )
    recorded = {
        "opencv": cv2.__version__,
        "seed": SEED,
        "resized": resized,
        "normalised": normalised_values(),
    }
    FIXTURE.write_text(json.dumps(recorded, indent=1) + "\n")


def normalised_values() -> str:
    """SHA-256 of 256 grey values, (256, 1, 3) little-endian float32, channels RGB."""
    values = np.repeat(np.arange(256, dtype=np.float32)[:, None, None], 3, axis=2)
    cv2.subtract(values, MEAN.reshape(1, -1), values)
    cv2.multiply(values, 1 / STD.reshape(1, -1), values)
    return hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()


if __name__ == "__main__":
    main()
