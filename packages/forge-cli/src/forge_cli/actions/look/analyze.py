"""Say what made a run take its time and its tokens."""

from forge_cli.exit_codes import ExitCode
from forge_cli.render.analysis.document import build_analysis_document
from forge_cli.render.analysis.text import render_analysis
from forge_cli.store.queries import Store
from forge_cli.terminal.console import OutputFormat, get_width, print_text
from forge_cli.views.analysis.analysis import analyze_run
from forge_cli.views.json_text import dump


def show_analysis(store: Store, workflow_id: str, output: OutputFormat) -> ExitCode:
    """Analyse a run.

    Raises:
        UnknownWorkflow: There is no such run.
        StoreError: The store cannot be read.
    """
    analysis = analyze_run(*store.get_run(workflow_id, texts=True))
    if output is OutputFormat.JSON:
        print_text(dump(build_analysis_document(analysis)))
    else:
        print_text(render_analysis(analysis, get_width()))
    return ExitCode.SUCCESS
