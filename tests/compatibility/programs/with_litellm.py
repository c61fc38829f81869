"""LiteLLM as a library: files and batches through its own calls."""

import io
import json
import time

import litellm

lines = [
    json.dumps(
        {
            "custom_id": f"r{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": "gpt-5-mini",
                "messages": [{"role": "user", "content": f"Question {number}"}],
            },
        }
    )
    for number in range(100)
]
content = io.BytesIO("\n".join(lines).encode())
content.name = "requests.jsonl"
file = litellm.create_file(file=content, purpose="batch", custom_llm_provider="openai")
batch = litellm.create_batch(
    completion_window="24h",
    endpoint="/v1/chat/completions",
    input_file_id=file.id,
    custom_llm_provider="openai",
)
while batch.status not in ("completed", "failed", "expired", "cancelled"):
    time.sleep(0.2)
    batch = litellm.retrieve_batch(batch_id=batch.id, custom_llm_provider="openai")
content = litellm.file_content(file_id=batch.output_file_id, custom_llm_provider="openai")
answers = [json.loads(line) for line in content.text.splitlines()]
print(json.dumps({"answered": sum(each["response"]["status_code"] == 200 for each in answers)}))
