"""Requests over the network: the only folder that knows pydantic-ai. See D43."""
