"""instructor: its batch processor, with a schema of our own for every answer."""

import json
import tempfile
import time
from pathlib import Path
from typing import Literal

from instructor.batch import BatchProcessor, filter_successful
from pydantic import BaseModel


class Review(BaseModel):
    sentiment: Literal["good", "bad"]
    stars: int
    words: list[str]


processor = BatchProcessor("openai/gpt-4o-mini", Review)
messages = [[{"role": "user", "content": f"Review {number}"}] for number in range(100)]
with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder, "requests.jsonl"))
    processor.create_batch_from_messages(messages_list=messages, file_path=path)
    batch = processor.submit_batch(path)
while processor.get_batch_status(batch)["status"] not in ("completed", "failed", "expired"):
    time.sleep(0.2)
found = filter_successful(processor.retrieve_results(batch))
print(json.dumps({"answered": sum(isinstance(each.result, Review) for each in found)}))
