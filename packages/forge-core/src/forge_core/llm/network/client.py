"""One request over the network.

The library's import takes seconds, so `forge_core.llm.calls` imports this when a model is called.
It is used below its agents, one HTTP request for one call: nothing is sent again, and nothing is
added to the prompts.

See D43.
"""

from pydantic_ai.direct import model_request

from forge_core.llm.network.exchange import Exchange
from forge_core.llm.network.failures import as_model_failure
from forge_core.llm.network.http_client import build_http_client
from forge_core.llm.network.models import build_model
from forge_core.llm.network.settings import (
    build_message,
    build_parameters,
    build_settings,
    fit_settings,
)
from forge_core.llm.request import ModelAnswer, ModelRequest


async def request_over_network(request: ModelRequest) -> ModelAnswer:
    """Send one request to a provider and return what came back, whole or cut off.

    Each request has an HTTP client of its own, closed with it: a call takes seconds, a connection
    milliseconds, and no state outlives the event loop.

    Raises:
        ModelFailure: There is no answer.
    """
    exchange = Exchange(request)
    with as_model_failure(exchange):
        async with build_http_client(exchange.hooks, request.timeout_s) as http:
            model = build_model(request.model, http)
            response = await model_request(
                model,
                [build_message(request)],
                model_settings=fit_settings(build_settings(request), model),
                model_request_parameters=build_parameters(request),
            )
            return exchange.describe(response)
