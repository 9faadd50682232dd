"""`steelyard lineage show|emit`: where a number comes from, and what it reaches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.tree import Tree

from api.cli.output import Json, console, print_json
from api.cli.services import AsUser, principal_named, services

if TYPE_CHECKING:
    from governance.lineage import Edge

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def show(
    node: str,
    upstream: Annotated[bool, typer.Option("--upstream", help="Only what it is made of.")] = False,
    downstream: Annotated[bool, typer.Option("--downstream", help="Only what it reaches.")] = False,
    depth: Annotated[int | None, typer.Option("--depth", min=1)] = None,
    columns: Annotated[bool, typer.Option("--columns", help="Walk by column, not by table.")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print a Mermaid picture.")] = False,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw the picture into this file.")] = None,
    release: Annotated[str | None, typer.Option("--release")] = None,
    as_user: AsUser = None,
    as_json: Json = False,
) -> None:
    """Show NODE (such as metric.net_sales or model.fct_sales_lines) in the lineage graph."""
    direction = "both" if upstream == downstream else "upstream" if upstream else "downstream"
    view = services().lineage.show(
        node, principal_named(as_user), direction=direction, depth=depth, columns=columns, release_id=release
    )
    if svg is not None:
        _write(svg, view.svg())
    if as_json:
        print_json(view.as_dict())
    elif mermaid:
        print(view.graph.to_mermaid())
    elif svg is None:
        _print_trees(node, view.graph.edges, direction)


@app.command()
def emit(as_json: Json = False) -> None:
    """Send decisions that were not reported to OpenLineage yet; builds and trainings are sent as they end."""
    sent = services().lineage_events.decided(services().store)
    if as_json:
        print_json({"sent": sent})
    else:
        console.print(f"{sent} decisions and outcomes sent.")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error.strerror}", param_hint="--svg") from error


def _print_trees(node: str, edges: Iterable[Edge], direction: str) -> None:
    made_of, reaches = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for edge in edges:
        made_of[edge.target].add(edge.source)
        reaches[edge.source].add(edge.target)
    if direction in {"upstream", "both"}:
        console.print(_tree(f"[bold]{node}[/] is made of", node, made_of))
    if direction in {"downstream", "both"}:
        console.print(_tree(f"[bold]{node}[/] reaches", node, reaches))


def _tree(title: str, node: str, neighbours: Mapping[str, set[str]]) -> Tree:
    """Each node once in full; if it comes up again, an ellipsis."""
    tree, seen = Tree(title), set[str]()

    def grow(branch: Tree, at: str) -> None:
        for name in sorted(neighbours.get(at, ())):
            again = name in seen
            seen.add(name)
            sub_branch = branch.add(f"{name} …" if again else name)
            if not again:
                grow(sub_branch, name)

    grow(tree, node)
    return tree
