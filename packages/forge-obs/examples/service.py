"""Record the calls of an async service, such as a FastAPI handler, off its event loop.

To try it: `python service.py "What is 2 + 2?"`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from forge_obs import observe


async def answer(question: str) -> AsyncIterator[str]:
    """Handle one request, piece by piece."""
    async with observe(task_id="sums", model="m", user_prompt=question) as call:
        async for piece in stream(question):
            call.chunk(piece)
            yield piece
        call.answer(usage={"prompt_tokens": 9, "completion_tokens": 1})


async def stream(_question: str) -> AsyncIterator[str]:
    """Stand in for your async client."""
    await asyncio.sleep(0)
    yield "4"


async def main(question: str) -> None:
    """Print the answer as it comes."""
    async for piece in answer(question):
        print(piece)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
