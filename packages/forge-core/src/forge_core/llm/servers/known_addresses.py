"""The servers that have answered in this process: one that is silent now may come back."""

from forge_core.llm.model_name import PROVIDERS, split_model
from forge_core.llm.providers import read_access
from forge_core.llm.request import ModelRequest
from forge_core.llm.servers.address import Address

_ANSWERED: set[str] = set()


def find_address(request: ModelRequest) -> Address:
    """Return where a request goes."""
    provider = PROVIDERS[split_model(request.model)[0]]
    access = read_access(provider)
    default = (provider.default_url or "") if access.url_is_set else access.url
    return Address(access.url, provider.url_variable, default)


def note_answer(request: ModelRequest) -> None:
    """Remember that the server of a request has answered one."""
    _ANSWERED.add(find_address(request).url)


def has_answered(address: Address) -> bool:
    """Return whether a server has answered a request of this process."""
    return address.url in _ANSWERED
