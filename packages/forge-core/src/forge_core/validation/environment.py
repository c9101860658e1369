"""What a checking command sees of the environment, pure."""

from collections.abc import Mapping

NAMES = frozenset(
    {
        "CI", "HOME", "HOSTNAME", "LANG", "LANGUAGE", "LOGNAME", "NO_COLOR", "PATH", "SHELL",
        "TERM", "TZ", "USER",
        "TEMP", "TMP", "TMPDIR",
        "CONDA_DEFAULT_ENV", "CONDA_PREFIX", "PYENV_ROOT", "PYENV_VERSION",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHASHSEED", "PYTHONPATH", "PYTHONUTF8", "PYTHONWARNINGS", "UV_CACHE_DIR",
        "UV_PYTHON", "VIRTUAL_ENV",
        "BUNDLE_PATH", "CARGO_HOME", "GEM_HOME", "GEM_PATH", "GOCACHE", "GOFLAGS", "GOMODCACHE",
        "GOPATH", "GOROOT", "JAVA_HOME",
        "NODE_OPTIONS", "NODE_PATH", "NVM_DIR", "RBENV_ROOT", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN",
        "CC", "CFLAGS", "CXX", "CXXFLAGS", "DYLD_LIBRARY_PATH", "LDFLAGS", "LD_LIBRARY_PATH",
        "PKG_CONFIG_PATH",
        "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    }
)  # fmt: skip
"""Variables that are passed on: the system's, and those by which languages find their parts."""

PREFIXES = ("LC_", "XDG_")
"""Beginnings of the names of further variables that are passed on."""


WITHHELD = frozenset({"XDG_STATE_HOME"})
"""Variables that would be passed on by their names, and lead to forge's own records."""


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that tests plausibly need and that hold no secret.

    Everything else is left out: keys and tokens, addresses with a password in them such as
    proxies and databases, and what steers forge, Temporal, AWS or git. A test command that needs
    one of them sets it itself.
    """
    return {
        name: value
        for name, value in environ.items()
        if (name in NAMES or name.startswith(PREFIXES)) and name not in WITHHELD
    }
