"""langasync: a LangChain chain as a batch."""

import asyncio
import json
import os
import tempfile

with tempfile.TemporaryDirectory() as folder:
    os.environ |= {"LANGASYNC_BASE_STORAGE_PATH": folder, "LANGASYNC_BATCH_POLL_INTERVAL": "0.2"}

    from langasync import BatchPoller, batch_chain
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_openai import ChatOpenAI

    async def main() -> int:
        prompt = ChatPromptTemplate.from_messages([("user", "Question {number}")])
        await batch_chain(prompt | ChatOpenAI(model="gpt-5-mini")).submit(
            [{"number": str(number)} for number in range(100)]
        )
        async for result in BatchPoller().wait_all():
            if result.results:
                return sum(bool(each.content) for each in result.results)
        return 0

    print(json.dumps({"answered": asyncio.run(main())}))
