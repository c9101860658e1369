"""Payloads kept outside Temporal's history: compressed files, checked when they are read."""

import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from forge_core.errors import PayloadUnavailable, UsageError
from forge_core.runs.retention import list_old_runs
from forge_core.state_dir.files import StateFiles, run_directory
from forge_core.temporal_client.payload_store import (
    THRESHOLD_BYTES,
    PayloadFiles,
    build_converter,
)
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)

RUN = "forge-work-01234567"
TEXT = b"def function(): ...\n" * 20_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "payloads"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


async def put(directory: Path, data: bytes, workflow_id: str = RUN) -> StorageDriverClaim:
    info = StorageDriverWorkflowInfo(namespace="default", id=workflow_id)
    payload = Payload(metadata={"encoding": b"json/plain"}, data=data)
    [claim] = await PayloadFiles(directory).store(StorageDriverStoreContext(info), [payload])
    return claim


async def get(directory: Path, claim: StorageDriverClaim) -> Payload:
    [payload] = await PayloadFiles(directory).retrieve(StorageDriverRetrieveContext(), [claim])
    return payload


def files_of(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


@pytest.mark.usefixtures("open_umask")
async def test_payload_is_one_compressed_file_for_its_owner_alone(directory: Path) -> None:
    claim = await put(directory, TEXT)

    [file] = files_of(directory)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent, directory)]
    assert modes == [0o600, 0o700, 0o700]
    assert file.stat().st_size < len(TEXT) / 10
    assert (await get(directory, claim)).data == TEXT
    assert (await get(directory, claim)).metadata["encoding"] == b"json/plain"


async def test_the_same_payload_is_kept_once_and_a_sub_tasks_with_its_run(directory: Path) -> None:
    claims = [await put(directory, TEXT), await put(directory, TEXT)]
    claims.append(await put(directory, TEXT, f"{RUN}/step/1/part"))

    assert len({claim.claim_data["sha256"] for claim in claims}) == 1
    assert [path.parent.name for path in files_of(directory)] == [RUN]


async def test_missing_payload_is_named(directory: Path) -> None:
    claim = await put(directory, TEXT)
    [file] = files_of(directory)
    file.unlink()

    with pytest.raises(PayloadUnavailable, match=f"{re.escape(str(file))} is missing"):
        await get(directory, claim)


@pytest.mark.parametrize("keep", [0, 10, -1], ids=["empty", "cut", "last byte lost"])
async def test_damaged_payload_is_refused(directory: Path, keep: int) -> None:
    claim = await put(directory, TEXT)
    [file] = files_of(directory)
    file.write_bytes(file.read_bytes()[:keep])

    with pytest.raises(PayloadUnavailable, match=re.escape(str(file))):
        await get(directory, claim)


async def test_payload_in_the_place_of_another_is_refused(directory: Path) -> None:
    claim, other = await put(directory, TEXT), await put(directory, b"other")
    place, wrong = (directory / RUN / f"{c.claim_data['sha256']}.zst" for c in (claim, other))
    wrong.replace(place)

    with pytest.raises(PayloadUnavailable, match="is damaged"):
        await get(directory, claim)


@pytest.mark.parametrize(
    "claim_data",
    [
        {},
        {"run": "..", "sha256": "0" * 64},
        {"run": "a/b", "sha256": "0" * 64},
        {"run": RUN, "sha256": "../../../etc/passwd"},
        {"run": RUN, "sha256": "0" * 64 + "\n"},
    ],
    ids=["empty", "parent", "slash", "path", "newline"],
)
async def test_reference_that_is_not_ours_reads_no_file(
    directory: Path, claim_data: dict[str, str]
) -> None:
    with pytest.raises(PayloadUnavailable, match="not one of ours"):
        await get(directory, StorageDriverClaim(claim_data))


@given(st.text(max_size=300))
def test_any_workflow_id_names_one_directory(workflow_id: str) -> None:
    name = run_directory(workflow_id)

    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", name)
    assert name == run_directory(f"{workflow_id.split('/', maxsplit=1)[0]}/step/1/part")


async def test_payload_that_is_used_again_begins_its_time_anew(directory: Path) -> None:
    await put(directory, TEXT)
    os.utime(directory / RUN, (0, 0))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    files = StateFiles(directory.parent)
    assert list_old_runs(files, yesterday) == [RUN]

    await put(directory, TEXT)

    assert list_old_runs(files, yesterday) == []


def test_configured_directory_takes_payloads_from_the_threshold_on(tmp_path: Path) -> None:
    storage = build_converter(str(tmp_path)).external_storage

    assert storage is not None
    assert storage.payload_size_threshold == THRESHOLD_BYTES
    assert [driver.name() for driver in storage.drivers] == ["forge-files"]


@pytest.mark.parametrize("store", [None, ""], ids=["unset", "empty"])
def test_without_a_configured_store_payloads_stay_in_the_history(store: str | None) -> None:
    assert build_converter(store).external_storage is None


@pytest.mark.parametrize(
    "store", ["relative/path", "gs://bucket", "s3://", "s3://no/prefix", "s3://B"]
)
def test_store_that_is_none_is_a_usage_error(store: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"FORGE_PAYLOAD_STORE={store}")):
        build_converter(store)
