"""Payloads are signed for one workflow; all else is refused."""

import stat
from pathlib import Path
from typing import Any

import pytest
from forge_core.errors import InfrastructureError, UnsignedWork
from forge_core.temporal_client.signing_codec import (
    REFUSED,
    SIGNATURE,
    SignedPayloadConverter,
    SigningCodec,
    load_key,
)
from temporalio.api.common.v1 import Payload
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext

KEY = b"k" * 32
MINE = WorkflowSerializationContext(namespace="default", workflow_id="forge-a-1")


def activity_of(workflow_id: str | None) -> ActivitySerializationContext:
    return ActivitySerializationContext(
        namespace="default",
        activity_id="1",
        activity_type="call_llm",
        activity_task_queue="queue",
        workflow_id=workflow_id,
        workflow_type=None,
        is_local=False,
    )


def payload() -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=b'{"task": "x"}')


async def sign(codec: SigningCodec) -> Payload:
    [signed] = await codec.encode([payload()])
    return signed


async def read(codec: SigningCodec, payload: Payload) -> Any:
    """Read a value as a workflow or an activity does."""
    return SignedPayloadConverter().from_payloads(await codec.decode([payload]))


async def test_what_was_signed_for_a_workflow_is_taken_by_it_and_by_its_activities() -> None:
    signed = await sign(SigningCodec(KEY).with_context(MINE))

    for context in (MINE, activity_of("forge-a-1")):
        assert await SigningCodec(KEY).with_context(context).decode([signed]) == [payload()]
    assert signed.data == payload().data


@pytest.mark.parametrize(
    "codec",
    [
        pytest.param(SigningCodec(b"x" * 32).with_context(MINE), id="another key"),
        pytest.param(
            SigningCodec(KEY).with_context(WorkflowSerializationContext("default", "forge-b-2")),
            id="another workflow",
        ),
        pytest.param(
            SigningCodec(KEY).with_context(WorkflowSerializationContext("other", "forge-a-1")),
            id="another namespace",
        ),
        pytest.param(
            SigningCodec(KEY).with_context(activity_of(None)), id="an activity of no workflow"
        ),
        pytest.param(SigningCodec(KEY), id="nobody"),
    ],
)
async def test_what_was_signed_for_a_workflow_is_refused_elsewhere(codec: SigningCodec) -> None:
    signed = await sign(SigningCodec(KEY).with_context(MINE))

    with pytest.raises(UnsignedWork):
        await read(codec, signed)


async def test_what_the_server_says_of_a_cancelled_activity_is_let_through() -> None:
    said = Payload(metadata={"encoding": b"json/plain"}, data=b'"ACTIVITY_ID_NOT_STARTED"')

    assert await SigningCodec(KEY).with_context(MINE).decode([said]) == [said]
    with pytest.raises(UnsignedWork):
        await SigningCodec(KEY).decode([said])


async def test_an_activity_of_no_workflow_is_refused_even_with_the_key() -> None:
    codec = SigningCodec(KEY).with_context(activity_of(None))

    with pytest.raises(UnsignedWork):
        await codec.decode([await sign(codec)])


@pytest.mark.parametrize("change", ["data", "metadata", "unsigned", "moved"])
async def test_changed_payload_is_refused(change: str) -> None:
    codec = SigningCodec(KEY).with_context(MINE)
    signed = await sign(codec)
    if change == "data":
        signed.data += b" "
    elif change == "metadata":
        signed.metadata["encoding"] = b"binary/plain"
    elif change == "moved":
        signed.data, signed.metadata["encoding"] = signed.data[1:], b"json/plain{"
    else:
        del signed.metadata[SIGNATURE]

    with pytest.raises(UnsignedWork):
        await read(codec, signed)


async def test_refused_payload_keeps_a_workflow_from_none_of_the_others() -> None:
    codec = SigningCodec(KEY).with_context(MINE)
    signed = await sign(codec)

    refused, taken = await codec.decode([payload(), signed])

    assert taken == payload()
    assert (refused.data, dict(refused.metadata)) == (b"", {"encoding": REFUSED})


def test_key_is_made_once_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "payload.key"

    key = load_key(path)

    assert (len(key), load_key(path)) == (32, key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "not hex", "00"], ids=["empty", "no hex", "short"])
def test_damaged_key_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "payload.key"
    path.write_text(text)

    with pytest.raises(InfrastructureError, match=str(path)):
        load_key(path)
