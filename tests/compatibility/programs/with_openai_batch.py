"""openai-batch: a file of requests, submitted, waited for and downloaded.

Its own way of writing that file ends in "I/O operation on closed file" (0.3.4), so it is given one.
"""

import json
import os
import tempfile
from pathlib import Path

from openai_batch import Batch
from openai_batch.providers import get_provider_by_model

provider = get_provider_by_model("gpt-5-mini")
provider.base_url = os.environ["OPENAI_BASE_URL"]
with tempfile.TemporaryDirectory() as folder:
    requests = Path(folder, "requests.jsonl")
    with requests.open("w") as file:
        for number in range(100):
            question = {"role": "user", "content": f"Question {number}"}
            line = {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions"}
            body = {"model": "gpt-5-mini", "messages": [question]}
            file.write(json.dumps(line | {"body": body}) + "\n")
    batch = Batch(
        submission_input_file=str(requests),
        output_file=str(Path(folder, "output.jsonl")),
        error_file=str(Path(folder, "errors.jsonl")),
        provider=provider,
    )
    _, output, _ = batch.submit_wait_download(interval=0.2)
    answers = [json.loads(line) for line in Path(output).read_text().splitlines()]
print(json.dumps({"answered": sum(each["error"] is None for each in answers)}))
