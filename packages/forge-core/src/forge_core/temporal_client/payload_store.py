"""Keeping large payloads outside Temporal's history, which then holds a reference.

A prompt goes through the history twice and an answer twice. Kept there, those of a run of 60 steps
with prompts of 400 KB reach the 50 MB at which Temporal ends a workflow, and one of more than 2 MB
cannot be transferred at all. Workflows and activities know nothing of this: it is an option of the
data converter. Whoever reads a run's history needs the same store.

See D57.
"""

import asyncio
import dataclasses
import hashlib
import hmac
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.aws.s3driver import S3StorageDriver, S3StorageDriverClient
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    ExternalStorage,
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)

from forge_core.errors import PayloadUnavailable, UsageError
from forge_core.files.disk import find_full_disk
from forge_core.files.private import make_private, replace_private, sync_directory
from forge_core.state_dir.files import RUN_NAME, run_directory

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

THRESHOLD_BYTES = 16 * 1024
"""Payloads from this size on are kept outside: 100 steps stay far below 5 MB of history."""

LEVEL = 3
"""Of zstd: 400 KB of text take 3 ms and shrink to a fifth."""

S3_PREFIX = "s3://"

SHARED_RUN = "other"
"""Directory of payloads that belong to no workflow."""

SIGNATURE = "signature"
"""Key of the signature in a reference."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def build_converter(store: str | None) -> DataConverter:
    """Build the data converter of a configured server.

    Args:
        store: Where large payloads are kept: `s3://BUCKET`, or a directory that every client and
            worker has under the same path. Nothing: in the history itself.

    Raises:
        UsageError: It is neither, or the package for buckets is missing.
    """
    if not store:
        return pydantic_data_converter
    if store.startswith(S3_PREFIX):
        return keep_outside(pydantic_data_converter, _open_bucket(store))
    directory = Path(store).expanduser()
    if "://" in store or not directory.is_absolute():
        raise UsageError(f"FORGE_PAYLOAD_STORE={store} is neither s3://BUCKET nor an absolute path")
    return keep_outside(pydantic_data_converter, PayloadFiles(directory))


def keep_outside(converter: DataConverter, driver: StorageDriver) -> DataConverter:
    """Have a data converter give large payloads to a driver."""
    storage = ExternalStorage(drivers=[driver], payload_size_threshold=THRESHOLD_BYTES)
    return dataclasses.replace(converter, external_storage=storage)


def keep_in_own_files(converter: DataConverter, directory: Path, key: bytes) -> DataConverter:
    """Have a data converter keep large payloads in files, and take no reference but its own.

    Args:
        converter: The converter; its codec refuses what is not signed, a stranger's reference too.
        directory: Where the files are.
        key: The secret by which references are known.
    """
    driver = PayloadFiles(directory, key)
    storage = _OwnReferences(drivers=[driver], payload_size_threshold=THRESHOLD_BYTES)
    return dataclasses.replace(converter, external_storage=storage)


class PayloadFiles(StorageDriver):
    """Keeps payloads as compressed files, named by their hash, in one directory for each run.

    A file is on disk once it has its name, readable by its owner alone, and is checked against its
    name when it is read. The payloads of sub-tasks are with those of their run.

    Args:
        directory: Where they are kept; made at the first payload.
        key: Signs references; None where everybody who can write one is trusted.
    """

    def __init__(self, directory: Path, key: bytes | None = None) -> None:
        self._directory = directory
        self._key = key

    def name(self) -> str:
        """Return the name of the driver in references, which outlive this version of it."""
        return "forge-files"

    def type(self) -> str:
        """Return the name of the format."""
        return "forge.files.zstd"

    async def store(
        self, context: StorageDriverStoreContext, payloads: Sequence[Payload]
    ) -> list[StorageDriverClaim]:
        """Keep payloads; those that are there already are kept from being pruned.

        Raises:
            DiskFull: There is no room for one.
        """
        try:
            return await self._store(context, payloads)
        except OSError as error:
            full = find_full_disk(error)
            if full is None:
                raise
            raise full from error

    async def _store(
        self, context: StorageDriverStoreContext, payloads: Sequence[Payload]
    ) -> list[StorageDriverClaim]:
        target = context.target
        workflow_id = target.id if isinstance(target, StorageDriverWorkflowInfo) else None
        run = run_directory(workflow_id) if workflow_id else SHARED_RUN
        return [await asyncio.to_thread(self._put, run, payload) for payload in payloads]

    async def retrieve(
        self,
        context: StorageDriverRetrieveContext,  # noqa: ARG002 - as the base has it
        claims: Sequence[StorageDriverClaim],
    ) -> list[Payload]:
        """Read payloads.

        Raises:
            PayloadUnavailable: One is missing or damaged.
        """
        return [await asyncio.to_thread(self._get, claim) for claim in claims]

    def _put(self, run: str, payload: Payload) -> StorageDriverClaim:
        data = payload.SerializeToString(deterministic=True)
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(run, digest)
        if path.exists():
            os.utime(path.parent)
        else:
            if not path.parent.is_dir():
                make_private(path.parent)
                sync_directory(self._directory)
            replace_private(path, zstd.compress(data, LEVEL))
        return StorageDriverClaim({"run": run, "sha256": digest, **self._sign(run, digest)})

    def is_own(self, claim: Mapping[str, str]) -> bool:
        """Return whether a reference was made here, as far as anybody can tell.

        One without a signature is of a version that made none; there has to be a file for it.
        """
        run, digest = claim.get("run", ""), claim.get("sha256", "")
        if not (RUN_NAME.fullmatch(run) and _DIGEST.fullmatch(digest)):
            return False
        if SIGNATURE not in claim:
            return self._path(run, digest).exists()
        signature = self._sign(run, digest).get(SIGNATURE, "")
        return hmac.compare_digest(signature.encode(), claim[SIGNATURE].encode())

    def _sign(self, run: str, digest: str) -> dict[str, str]:
        if self._key is None:
            return {}
        text = f"{self.name()}\0{run}\0{digest}".encode()
        return {SIGNATURE: hmac.new(self._key, text, hashlib.sha256).hexdigest()}

    def _get(self, claim: StorageDriverClaim) -> Payload:
        run, digest = claim.claim_data.get("run", ""), claim.claim_data.get("sha256", "")
        if not (RUN_NAME.fullmatch(run) and _DIGEST.fullmatch(digest)):
            raise PayloadUnavailable("a reference to a payload is not one of ours")
        path = self._path(run, digest)
        try:
            data = zstd.decompress(path.read_bytes())
        except FileNotFoundError as error:
            raise PayloadUnavailable(f"payload {path} is missing") from error
        except (zstd.ZstdError, EOFError, OSError) as error:
            raise PayloadUnavailable(f"payload {path} cannot be read: {error}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise PayloadUnavailable(f"payload {path} is damaged")
        return Payload.FromString(data)

    def _path(self, run: str, digest: str) -> Path:
        return self._directory / run / f"{digest}.zst"


class _OwnReferences(ExternalStorage):
    """Takes what is no reference of our own for an ordinary payload, which the codec judges.

    A payload that cannot be got keeps a workflow from reading anything. That is right for one of
    its own, which may come back; a stranger's signal must not be able to do it.
    """

    def _decode_reference(self, payload: Payload) -> Any:  # noqa: ANN401 - the SDK's own type
        [driver] = self.drivers
        try:
            reference = super()._decode_reference(payload)
        except (RuntimeError, ValueError, TypeError, LookupError, ParseError):
            return None
        if reference is None or reference.driver_name != driver.name():
            return None
        is_own = isinstance(driver, PayloadFiles) and driver.is_own(reference.claim_data)
        return reference if is_own else None


class _BucketClient(S3StorageDriverClient):
    """Opens a connection for each operation: nobody has to close one that is kept."""

    def __init__(self) -> None:
        self._session: Any = import_module("aioboto3").Session()
        self._adapt: Any = import_module(
            "temporalio.contrib.aws.s3driver.aioboto3"
        ).new_aioboto3_client

    async def put_object(self, *, bucket: str, key: str, data: bytes) -> None:
        """Store an object, by a connection of its own."""
        async with self._session.client("s3") as client:
            await self._adapt(client).put_object(bucket=bucket, key=key, data=data)

    async def object_exists(self, *, bucket: str, key: str) -> bool:
        """Return whether an object is there."""
        async with self._session.client("s3") as client:
            return bool(await self._adapt(client).object_exists(bucket=bucket, key=key))

    async def get_object(self, *, bucket: str, key: str) -> bytes:
        """Read an object whole."""
        async with self._session.client("s3") as client:
            return bytes(await self._adapt(client).get_object(bucket=bucket, key=key))


def _open_bucket(store: str) -> StorageDriver:
    bucket = store.removeprefix(S3_PREFIX).rstrip("/")
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(f"FORGE_PAYLOAD_STORE={store} does not name a bucket as s3://BUCKET")
    try:
        return S3StorageDriver(client=_BucketClient(), bucket=bucket)
    except ImportError as error:
        raise UsageError(
            f"FORGE_PAYLOAD_STORE={store} needs the extra s3 of forge-core: temporalio[aioboto3]"
        ) from error
