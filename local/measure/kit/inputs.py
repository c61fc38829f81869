"""Batch files to measure with: realistic chat requests, the same on every run."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

WORDS = re.findall(
    r"\w+",
    "the customer wrote that order was late and asks whether refund can be paid to another card "
    "please summarise this ticket name its product sort it into one of five classes say how sure "
    "you are then answer politely in two sentences without promises about dates or money",
)
NON_ASCII = ["größe", "naïve", "señor", "東京", "café", "déjà", "façade", "Łódź", "Привет", "👍"]
TEXTS = 500  # different texts; each line begins with words of its own
LINE = 4_100  # bytes: 50,000 lines make 205 MB

SYSTEM = "You sort a shop's mail. Answer in JSON: class, product, certainty, answer.\nBe brief."


def write_chats(
    path: Path, count: int, line: int = LINE, models: int = 1, *, non_ascii: bool = False
) -> Path:
    with path.open("wb") as file:
        write_lines(file, count, line, models, non_ascii=non_ascii)
    return path


def write_lines(
    file: BinaryIO, count: int, line: int = LINE, models: int = 1, *, non_ascii: bool = False
) -> None:
    for number, text in enumerate(_texts(line, non_ascii=non_ascii)):
        if number == count:
            return
        model = f"gpt-5-mini-{number % models}" if models > 1 else "gpt-5-mini"
        head = f'{{"custom_id":"ticket-{number + 1:08d}","method":"POST",'
        file.write(head.encode() + text.replace(b"gpt-5-mini", model.encode(), 1))


def _texts(line: int, *, non_ascii: bool) -> Iterator[bytes]:
    """What follows the custom_id, repeated for ever."""
    dice = random.Random(1)
    made = [_rest(dice, line, non_ascii=non_ascii) for _ in range(TEXTS)]
    while True:
        yield from made


def _rest(dice: random.Random, line: int, *, non_ascii: bool) -> bytes:
    words = WORDS + NON_ASCII if non_ascii else WORDS
    text = [dice.choice(words)]
    size = int((line - 420) * dice.uniform(0.5, 1.5))
    while size > 0:
        text.append(dice.choice(words) + dice.choice(("", "", "", ".", ",", '\n"So."', "\n")))
        size -= len(json.dumps(text[-1], ensure_ascii=not non_ascii).encode()) - 1
    body = {
        "model": "gpt-5-mini",
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": " ".join(text)},
        ],
        "max_completion_tokens": 300,
        "temperature": 0.2,
        "response_format": {"type": "json_object"},
    }
    rest = {"url": "/v1/chat/completions", "body": body}
    line_end = json.dumps(rest, ensure_ascii=not non_ascii, separators=(",", ":"))
    return line_end[1:].encode() + b"\n"
