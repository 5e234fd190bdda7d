"""Records the tensors' names and shapes of OpenMMLab's Mask2Former Swin-S, for test_openmmlab.py.

Runs in the tox environment mmdet, never in ours, and needs no network:

    tox exec -e mmdet -- python tests/parity/record_mmdet_names.py

The network is built from the configuration that the mmdet 3.3.0 wheel itself carries.
"""

from __future__ import annotations

import json
from pathlib import Path

import mmdet
from mmengine.config import Config
from mmengine.registry import init_default_scope

from pisces_eval.detectors import _mmcv_stand_in

FIXTURE = Path(__file__).parent / "fixtures" / "mmdet_mask2former_names_3.3.0.json"
CONFIGURATION = "mask2former_swin-s-p4-w7-224_8xb2-lsj-50e_coco.py"


def main() -> None:
    _mmcv_stand_in.install()
    from mmdet.registry import MODELS

    folder = Path(mmdet.__file__).parent / ".mim" / "configs" / "mask2former"
    configuration = Config.fromfile(folder / CONFIGURATION)
    configuration.model.backbone.init_cfg = None
    init_default_scope("mmdet")
    state = MODELS.build(configuration.model).state_dict()
    shapes = {name: list(tensor.shape) for name, tensor in state.items()}
    FIXTURE.write_text(json.dumps(shapes, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
