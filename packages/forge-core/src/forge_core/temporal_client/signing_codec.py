"""Signing what goes through the embedded server, which asks nobody who they are.

Every process of this machine can reach its ports. What our workers take from it must carry a
signature made with a key that only the user can read; all else is refused before a workflow or an
activity sees it.

A workflow is given all that was sent to it at once: a signal that could not be read would keep it
from reading the rest, for ever. What is refused there leaves a mark in its place, and an error for
who wants its value; what nobody asked for is passed over.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    ActivitySerializationContext,
    CompositePayloadConverter,
    EncodingPayloadConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from forge_core.errors import InfrastructureError, UnsignedWork
from forge_core.files.private import create_private

SIGNATURE = "forge-signature"
"""Key of the signature in a payload's metadata; the data stay readable."""

KEY_BYTES = 32


MADE_BY_THE_SERVER = Payload(
    metadata={"encoding": b"json/plain"}, data=b'"ACTIVITY_ID_NOT_STARTED"'
)
"""All that the server makes itself: why an activity waiting for its next attempt is cancelled."""


REFUSAL = "refused: it was not submitted with this state directory's key"

REFUSED = b"json/external-storage-reference"
"""Encoding of what stands where a payload was refused: a reference to nothing.

The SDK fails on a payload that says it is a signed reference and turns out to be anything else.
"""


class SigningCodec(PayloadCodec, WithSerializationContext):
    """Signs payloads for one workflow and refuses those that are not signed for it.

    Args:
        key: The secret.
        scope: Namespace and workflow id that signatures are bound to. Without one, as for an
            activity that no workflow started, everything is refused.
        raises: Whether what is refused is an error; otherwise it is one as soon as a
            `SignedPayloadConverter` converts it.
    """

    def __init__(
        self, key: bytes, scope: tuple[str, str] | None = None, *, raises: bool = True
    ) -> None:
        self._key = key
        self._scope = scope
        self._raises = raises

    def with_context(self, context: SerializationContext) -> Self:
        """Bind the codec to the workflow that a payload belongs to."""
        raises = not isinstance(context, WorkflowSerializationContext)
        return type(self)(self._key, _find_scope(context), raises=raises)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Sign payloads."""
        return [self._add_signature(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Check payloads and take their signatures off.

        Raises:
            UnsignedWork: One was not signed by us for this workflow.
        """
        return [self._take_signature(payload) for payload in payloads]

    def _add_signature(self, payload: Payload) -> Payload:
        signed = Payload()
        signed.CopyFrom(payload)
        signed.metadata[SIGNATURE] = self._compute(payload)
        return signed

    def _take_signature(self, payload: Payload) -> Payload:
        if self._scope is not None and payload == MADE_BY_THE_SERVER:
            return payload
        plain = Payload()
        plain.CopyFrom(payload)
        signature = plain.metadata.pop(SIGNATURE, b"")
        if self._scope is not None and hmac.compare_digest(signature, self._compute(plain)):
            return plain
        if self._raises:
            raise UnsignedWork(REFUSAL)
        return Payload(metadata={"encoding": REFUSED})

    def _compute(self, payload: Payload) -> bytes:
        """Compute HMAC-SHA256 over parts that each follow their length (RFC 2104)."""
        mac = hmac.new(self._key, digestmod=hashlib.sha256)
        parts = [part.encode() for part in self._scope or ()]
        for name in sorted(payload.metadata):
            parts += [name.encode(), payload.metadata[name]]
        for part in (*parts, payload.data):
            mac.update(len(part).to_bytes(8, "big") + part)
        return mac.hexdigest().encode()


class SignedPayloadConverter(CompositePayloadConverter):
    """Converts as Forge does everywhere, and raises where a payload was refused."""

    def __init__(self) -> None:
        usual = PydanticPayloadConverter()
        super().__init__(*usual.converters.values(), _RefusedConverter())


class _RefusedConverter(EncodingPayloadConverter):
    @property
    def encoding(self) -> str:
        """The encoding that a refused payload is given."""
        return REFUSED.decode()

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ANN401, ARG002
        """Return None: nothing is ever encoded so."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:  # noqa: ANN401, ARG002
        """Raise `UnsignedWork`."""
        raise UnsignedWork(REFUSAL)


def load_key(path: Path) -> bytes:
    """Read the key, made at first use for the user alone.

    Raises:
        InfrastructureError: It cannot be written or read.
    """
    try:
        if not path.exists():
            with suppress(FileExistsError):
                create_private(path, f"{secrets.token_hex(KEY_BYTES)}\n")
        key = bytes.fromhex(path.read_text())
    except (OSError, ValueError) as error:
        raise InfrastructureError(f"key {path}: {error}") from error
    if len(key) != KEY_BYTES:
        raise InfrastructureError(f"key {path} has {len(key)} bytes instead of {KEY_BYTES}")
    return key


def _find_scope(context: SerializationContext) -> tuple[str, str] | None:
    if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
        return None
    return (context.namespace, context.workflow_id) if context.workflow_id else None
