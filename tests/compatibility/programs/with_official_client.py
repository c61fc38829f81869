"""The official client for Python: upload, create, wait, download; every answer strictly parsed."""

import json
import time

from openai import OpenAI
from openai.types.chat import ChatCompletion

client = OpenAI()
lines = []
for number in range(100):
    body = {
        "model": "gpt-5-mini",
        "messages": [{"role": "user", "content": f"Question {number}"}],
    }
    line = {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions"}
    lines.append(json.dumps(line | {"body": body}))
file = client.files.create(file="\n".join(lines).encode(), purpose="batch")
batch = client.batches.create(
    input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
)
while batch.status not in ("completed", "failed", "expired", "cancelled"):
    time.sleep(0.2)
    batch = client.batches.retrieve(batch.id)
answers = client.files.content(batch.output_file_id or "").text.splitlines()
parsed = [
    ChatCompletion.model_validate(json.loads(each)["response"]["body"], strict=True)
    for each in answers
]
print(json.dumps({"answered": len(parsed)}))
