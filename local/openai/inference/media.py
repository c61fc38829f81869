"""Answers that are not text: embeddings, moderations, images, videos."""

import base64
import hashlib
import struct
from itertools import cycle, islice
from math import sqrt

import orjson

from local.openai.http.messages import Json
from local.openai.inference.prompt import Prompt, choices, tokens

CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit"),
    *("illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual"),
    *("sexual/minors", "violence", "violence/graphic"),
)
FLAG = "flag me"  # an input with these words is flagged as violence
USUAL_SIZE, LARGE_SIZE = 1_536, 3_072  # dimensions of text-embedding-3-small and -large
IMAGE_TOKENS = 272  # of an image of 1024 × 1024 in low quality
PIXEL = (  # a PNG of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)


def embeddings(prompt: Prompt) -> Json:
    inputs = prompt.body["input"]
    if not isinstance(inputs, list) or _is_tokens(inputs):
        inputs = [inputs]
    size = prompt.body.get("dimensions") or usual_size(prompt.model)
    encode = _base64 if prompt.body.get("encoding_format") == "base64" else list
    spent = sum(tokens(item) for item in inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": encode(_vector(item, size))}
            for index, item in enumerate(inputs)
        ],
        "model": prompt.model,
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
    }


def moderation(prompt: Prompt) -> Json:
    inputs = prompt.body["input"]
    if not isinstance(inputs, list) or any(isinstance(item, dict) for item in inputs):
        inputs = [inputs]
    results = [_moderated(FLAG in str(item)) for item in inputs]
    return {"id": f"modr-{prompt.fingerprint[:24]}", "model": prompt.model, "results": results}


def image(prompt: Prompt) -> Json:
    images = [{"b64_json": PIXEL} for _ in choices(prompt)]
    text_tokens, image_tokens = tokens(prompt.body), IMAGE_TOKENS * len(images)
    return {
        "created": prompt.created,
        "background": "opaque",
        "data": images,
        "output_format": "png",
        "quality": "low",
        "size": "1024x1024",
        "usage": {
            "input_tokens": text_tokens,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": text_tokens},
            "output_tokens": image_tokens,
            "output_tokens_details": {"image_tokens": image_tokens, "text_tokens": 0},
            "total_tokens": text_tokens + image_tokens,
        },
    }


def video(prompt: Prompt) -> Json:
    return {
        "id": f"video_{prompt.fingerprint[:32]}",
        "object": "video",
        "created_at": prompt.created,
        "completed_at": prompt.created,
        "expires_at": prompt.created + 86_400,
        "status": "completed",
        "error": None,
        "model": prompt.model,
        "progress": 100,
        "prompt": str(prompt.body.get("prompt")),
        "remixed_from_video_id": None,
        "seconds": str(prompt.body.get("seconds", "4")),
        "size": prompt.body.get("size", "720x1280"),
    }


def _moderated(flagged: bool) -> Json:
    scores = dict.fromkeys(CATEGORIES, 0.0001) | ({"violence": 0.9} if flagged else {})
    return {
        "flagged": flagged,
        "categories": {name: score > 0.5 for name, score in scores.items()},
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }


def _is_tokens(inputs: list[object]) -> bool:
    return all(isinstance(item, int) for item in inputs)


def usual_size(model: str) -> int:
    return LARGE_SIZE if "large" in model else USUAL_SIZE


def _vector(item: object, size: int) -> list[float]:
    """Of length 1, as the real ones."""
    digest = hashlib.blake2s(orjson.dumps(item)).digest()
    numbers = [byte - 127.5 for byte in islice(cycle(digest), size)]
    length = sqrt(sum(number * number for number in numbers))
    return [round(number / length, 8) for number in numbers]


def _base64(vector: list[float]) -> str:
    """Little-endian floats of 32 bits, as the official client unpacks them."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
