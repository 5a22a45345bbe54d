"""Where an experiment's settings start from.

``bkind3d`` is our method, for users' own recordings; ``demo`` the same with fewer keypoints and steps, so that the whole
demo takes minutes; ``paper`` the published method.
"""

from typing import Any, Literal

Preset = Literal["bkind3d", "demo", "paper"]

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "paper": {"model": {}, "losses": {}, "training": {}},
    "bkind3d": {
        "model": {
            "n_keypoints": 15,
            "n_symmetric_pairs": 4,
            "heading": True,
            "place_spread": 0.13,
            "volume_size": 24,
            "volume_channels": 16,
            "volume_levels": 2,
            "encoder": "none",
            "reconstruction": False,
            "hull_prior": 1.0,
        },
        "losses": {
            "reconstruction": 0.0,
            "separation": 0.1,
            "separation_sigma": 0.05,
            "length": 0.0,
            "silhouette": 1.0,
            "coverage": 15.0,
            "consistency": 2.0,
            "inside": 0.2,
        },
        "training": {
            "steps": 4000,
            "batch_size": 4,
            "optimizer": "adamw",
            "learning_rate": 6e-3,
            "warmup_steps": 50,
            "final_learning_rate": 0.05,
            "edge_learning_rate_factor": 10.0,
            "turn_degrees": 30.0,
            "jitter": 0.05,
        },
    },
}
PRESETS["demo"] = {
    "model": PRESETS["bkind3d"]["model"] | {"n_keypoints": 12, "n_symmetric_pairs": 3},
    "losses": PRESETS["bkind3d"]["losses"],
    "training": PRESETS["bkind3d"]["training"] | {"steps": 1300},
}
