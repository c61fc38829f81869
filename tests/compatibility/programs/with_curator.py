"""Curator: a dataset of prompts through its batch mode."""

import json
import os
import tempfile

from bespokelabs import curator

with tempfile.TemporaryDirectory() as folder:
    llm = curator.LLM(
        model_name="gpt-4o-mini",
        backend="openai",
        batch=True,
        backend_params={"base_url": os.environ["OPENAI_BASE_URL"], "batch_check_interval": 1},
    )
    questions = [f"Question {number}" for number in range(100)]
    response = llm(questions, working_dir=folder)
    answers = list(getattr(response, "dataset", response))
print(json.dumps({"answered": sum(bool(each["response"]) for each in answers)}))
