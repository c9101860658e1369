"""Record the calls of a plain program: `python plain.py "What is 2 + 2?"`."""

import sys

from forge_obs import observe


def ask(question: str) -> str:
    """Ask a model, and have the call on record."""
    system = "Be brief."
    with observe(task_id="sums", model="m", system_prompt=system, user_prompt=question) as call:
        answer = complete(question)
        call.answer(answer["text"], usage=answer["usage"])
    return str(answer["text"])


def complete(_question: str) -> dict[str, object]:
    """Stand in for your client."""
    return {"text": "4", "usage": {"prompt_tokens": 9, "completion_tokens": 1}}


if __name__ == "__main__":
    print(ask(sys.argv[1]))
