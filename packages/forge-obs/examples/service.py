"""Record the calls of an async service, such as a FastAPI handler, off its event loop.

To try it: `python service.py "What is 2 + 2?"`.
"""

import asyncio
import sys

from forge_obs import LLMStats, record


async def answer(question: str) -> dict[str, str]:
    """Handle one request; put `@app.post("/ask")` above it."""
    text = await complete(question)
    await asyncio.to_thread(
        record,
        "interaction",
        task_id="sums",
        role="llm",
        system_prompt="Be brief.",
        user_prompt=question,
        response=text,
        stats=LLMStats(model_name="m-2026", input_tokens=9, output_tokens=1, latency_ms=412.0),
    )
    return {"answer": text}


async def complete(_question: str) -> str:
    """Stand in for your async client."""
    await asyncio.sleep(0)
    return "4"


if __name__ == "__main__":
    print(asyncio.run(answer(sys.argv[1])))
