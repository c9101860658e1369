"""What a command may take, and what became of it, pure."""

from dataclasses import dataclass

OUTPUT_LIMIT = 200_000
"""Bytes of output that are kept: a quarter from the beginning, the rest from the end."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What a command and everything that it starts may use; None is no limit."""

    memory_mb: float | None = None
    """Memory of all processes together; counted on Linux only."""
    processes: int | None = None
    """Processes at a time; counted on Linux only."""
    cpu_s: float | None = None
    """Processor time of all processes together; outside Linux of each."""
    file_size_mb: float | None = None
    """Size of each file that is written; a process that goes over it gets SIGXFSZ."""

    def describe(self, name: str) -> str:
        """Describe a use of more than the limit of this name."""
        return {
            "memory_mb": f"more than {self.memory_mb} MB of memory",
            "processes": f"more than {self.processes} processes",
            "cpu_s": f"more than {self.cpu_s} s of processor time",
        }[name]


@dataclass(frozen=True, slots=True)
class CommandBounds:
    """How long a command may run, what it may use and how much of its output is kept."""

    timeout_s: float
    """Seconds after which it is killed."""
    output_limit: int = OUTPUT_LIMIT
    """Bytes of output to keep."""
    limits: ResourceLimits | None = None
    """None for a trusted command: of what it leaves, only its process group is killed."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    returncode: int | None
    """Negative for a signal; None where the command was killed for its time or a limit."""
    output: str
    """Standard output and error together, undecodable bytes as escapes."""
    truncated: bool
    """Whether a part of the output is missing from the middle."""
    duration_ms: float
    exceeded: str | None = None
    """The limit for which it was killed, in words; None also for its time."""

    @property
    def timed_out(self) -> bool:
        """Whether the command was killed at its time limit."""
        return self.returncode is None and self.exceeded is None
