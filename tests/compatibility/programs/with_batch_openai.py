"""batch-openai: its builder, its job, its result."""

import json

from batch_openai import BatchRequestBuilder
from openai import OpenAI

builder = BatchRequestBuilder()
for number in range(100):
    question = {"role": "user", "content": f"Question {number}"}
    builder.add(messages=[question], model="gpt-5-mini", custom_id=f"r{number}")
result = builder.submit(OpenAI(), description="compatibility").wait(poll_interval=0.2)
print(json.dumps({"answered": len(result.succeeded)}))
