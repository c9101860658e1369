"""``forge completion``: let a shell complete commands and options."""

from pathlib import Path
from typing import Literal

from cyclopts.completion import ShellDetectionError, detect_shell
from forge_core.errors import InfrastructureError, UsageError

from forge_cli.config.files import find_user_directory
from forge_cli.errors import describe_refusal
from forge_cli.escape import escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.options.types import Switch
from forge_cli.terminal.console import print_note, print_text

Shell = Literal["bash", "zsh", "fish"]

WHOLE_WORDS = r"""
# Bash parts words at ":" and "@", which stand in names of models and in @last: ask with whole ones.
_forge_whole_words() {
  local line="${COMP_LINE:0:COMP_POINT}" begin candidate
  local word="${line##*[[:space:]]}"
  if [[ "$word" != *[:@]* ]]; then
    _forge "$@"
    return
  fi
  begin="${word%"${word##*[:@]}"}"
  local -a words
  read -ra words <<< "$line"
  COMPREPLY=()
  while IFS= read -r candidate; do
    candidate="${candidate%%$'\t'*}"
    [[ "$candidate" == "$word"* ]] && COMPREPLY+=("${candidate#"$begin"}")
  done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
}
complete -F _forge_whole_words forge
"""
"""What follows the library's script for bash, which gets the parts of a word as words."""

SHELLS: tuple[Shell, ...] = ("bash", "zsh", "fish")


def completion(
    shell: Shell | None = None,
    /,
    *,
    install: Switch = False,
) -> ExitCode:
    """Print a shell's completion script, or install it.

    Args:
        shell: The shell. [default: the one that runs the command]
        install: Write the script where the shell looks for it. Bash and zsh also get a line in
            ~/.bashrc or ~/.zshrc that loads it.
    """
    from forge_cli.commands import build_app  # noqa: PLC0415 - it imports this module

    target = shell or _detect()
    app = build_app()
    if not install:
        script = app.generate_completion(shell=target)
        print_text((script + (WHOLE_WORDS if target == "bash" else "")).rstrip("\n"))
        return ExitCode.SUCCESS
    try:
        path = app.install_completion(shell=target, output=_find_place(target))
        if target == "bash":
            path.write_text(path.read_text(encoding="utf-8") + WHOLE_WORDS, encoding="utf-8")
    except (OSError, RuntimeError) as error:
        refusal = describe_refusal(error) if isinstance(error, OSError) else None
        reason = refusal or str(error)
        raise InfrastructureError(f"cannot install the completion: {reason}") from error
    print_text(f"{escape_line(str(path))}: written; a new {target} session completes forge")
    if target == "zsh" and not _initialises_completion():
        print_note("note: ~/.zshrc does not call compinit: add `autoload -Uz compinit; compinit`")
    return ExitCode.SUCCESS


def _find_place(shell: Shell) -> Path | None:
    """Return where a shell looks for the script; None leaves that to the library, which knows.

    It puts what fish loads below ~/.config, where fish does not look if XDG_CONFIG_HOME is set.
    """
    directory = find_user_directory() if shell == "fish" else None
    return None if directory is None else directory / "fish" / "completions" / "forge.fish"


def _detect() -> Shell:
    try:
        name = detect_shell()
    except ShellDetectionError:
        name = None
    for shell in SHELLS:
        if shell == name:
            return shell
    raise UsageError(f"cannot tell which shell this is: name it ({', '.join(SHELLS)})")


def _initialises_completion() -> bool:
    startup = (Path.home() / ".zshrc").read_text(errors="replace")
    return any(word in startup for word in ("compinit", "oh-my-zsh", "prezto"))
