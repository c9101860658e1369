"""Record the calls of a plain program: `python plain.py "What is 2 + 2?"`."""

import sys
import time

from forge_obs import LLMStats, record


def ask(question: str) -> str:
    """Ask a model, and put the call on record."""
    started = time.perf_counter()
    answer = "4"  # what your client gives
    latency_ms = (time.perf_counter() - started) * 1000
    stats = LLMStats(model_name="m-2026", input_tokens=9, output_tokens=1, latency_ms=latency_ms)
    record(
        "interaction",
        task_id="sums",
        role="llm",
        system_prompt="Be brief.",
        user_prompt=question,
        response=answer,
        stats=stats,
    )
    return answer


if __name__ == "__main__":
    print(ask(sys.argv[1]))
