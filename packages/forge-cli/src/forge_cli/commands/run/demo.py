"""``forge demo``: a planned run from beginning to end, without a model."""

from forge_cli.exit_codes import ExitCode


def demo() -> ExitCode:
    """See a planned run from beginning to end, without a model.

    No language model is called: the answers come from a script. Temporal, git, the checks and
    the record are real.
    """
    from forge_cli.actions.run.demo import play_demo  # noqa: PLC0415 - imports Temporal

    return play_demo()
