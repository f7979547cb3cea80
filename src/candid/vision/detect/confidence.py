"""How sure it is that a candidate is a face, 0 to 1, from the two models that looked at it.

Logistic regression on the logits of the detector's last stage and of the face mesh's presence. Fitted on 740
faces (the 62 single photographs of the labelled folder, pasted in sizes of 20 to 70 pixels, some turned by up to 60
degrees, darkened with noise, or blurred) and 256 false candidates (scikit-image's photographs and textures without
faces, in six sizes and four turns), both kinds with equal weight: 0.5 is where a candidate is as likely from one
kind as from the other. How many faces are found in that folder is therefore no independent measure of it.
"""

from __future__ import annotations

import numpy as np

from candid.vision.detect.candidates import Floats

_DETECTOR, _PRESENCE, _BIAS = 1.146, 0.2126, -2.052
# Beyond this a float32 probability says no more.
_CERTAIN = 1e-7


def confidence(scores: Floats, presence: Floats) -> Floats:
    """Confidence of each candidate, 0 to 1.

    Args:
        scores: the detector's, 0 to 1, (n,).
        presence: the mesh's logits, (n,).
    """
    likely = np.clip(scores.astype(np.float64), _CERTAIN, 1 - _CERTAIN)
    logits = _DETECTOR * np.log(likely / (1 - likely)) + _PRESENCE * presence + _BIAS
    return (1 / (1 + np.exp(-np.clip(logits, -50, 50)))).astype(np.float32)
