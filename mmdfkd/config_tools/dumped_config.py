"""A config that MMEngine dumped, read without running anything of it."""

import ast
from typing import Any


def parse_config(text: str) -> dict[str, Any]:
    """Read a config that MMEngine dumped: assignments of literals and ``dict(...)``.

    Nothing is executed; what is neither literal nor ``dict`` stays as its source text, and
    of half a file nothing is read.
    """

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == 'dict' and not node.args:
            return {keyword.arg: value(keyword.value) for keyword in node.keywords}
        if isinstance(node, ast.Dict):
            keys = [ast.unparse(key) if key else '**' for key in node.keys]
            return dict(zip(keys, map(value, node.values), strict=True))
        if isinstance(node, ast.List | ast.Tuple):
            return [value(item) for item in node.elts]
        try:
            return ast.literal_eval(node)
        except ValueError:
            return ast.unparse(node)

    try:
        assigned = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    except SyntaxError:
        return {}
    return {ast.unparse(node.targets[0]): value(node.value) for node in assigned}


def flatten(tree: Any, prefix: str = '', separator: str = '.') -> dict[str, Any]:
    """Name the leaves of nested dicts and of lists that hold any; other lists are leaves."""
    nested = isinstance(tree, list) and any(isinstance(item, dict) for item in tree)
    if isinstance(tree, dict) and (tree or not prefix):
        items = list(tree.items())
    elif nested:
        items = list(enumerate(tree))
    else:
        return {prefix: tree}
    leaves: dict[str, Any] = {}
    for key, item in items:
        leaves |= flatten(item, f'{prefix}{separator}{key}' if prefix else str(key), separator)
    return leaves
