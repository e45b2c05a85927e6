"""How Sphinx makes the site of these pages: ``bash tools/check_docs.sh``, or sphinx-build."""

import importlib.metadata
import os
import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
STAND_IN = re.compile(r'# .+\n\n\[.+\]\((.+)\)\n')  # a page that is a link to a README and no more
LINK = re.compile(r'(?<!!)\[([^\]]+)\]\(([^)#:\s]+)(#[^)\s]+)?\)')

project = 'mmdfkd'
release = importlib.metadata.version('mmdfkd')
copyright = 'the contributors of mmdfkd'
extensions = [
    'myst_nb',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinx_copybutton',
]
exclude_patterns = ['_build']
html_theme = 'furo'
html_title = f'mmdfkd {release}'
myst_heading_anchors = 3
nb_execution_mode = 'off'  # the notebook has its output; the tests run it, for fewer rounds
autodoc_member_order = 'bysource'
autodoc_typehints_format = 'short'
python_use_unqualified_type_names = True


def shown_file(page: Path) -> Path:
    """Return the file that a page shows: another's where the page is but a link to that."""
    link = STAND_IN.fullmatch(page.read_text()) if page.suffix == '.md' else None
    return (page.parent / link[1]).resolve() if link else page


PAGES = {shown_file(page): page for end in ('md', 'ipynb') for page in DOCS.rglob(f'*.{end}')}


def stay_on_the_site(app: Sphinx, docname: str, source: list[str]) -> None:
    """Show the file that a page stands for, and lead links to files of the repository to pages.

    Where a file has no page its name is all there is: the site is built without the repository's
    address.
    """
    page = Path(app.env.doc2path(docname))
    if page.suffix != '.md':
        return
    file = shown_file(page)

    def rewrite(link: re.Match[str]) -> str:
        target = (file.parent / link[2]).resolve()
        there = PAGES.get(target) or PAGES.get(target / 'README.md')
        if there:
            return f'[{link[1]}]({os.path.relpath(there, page.parent)}{link[3] or ""})'
        if not target.exists():
            return link[0]  # MyST says so
        name = f'`{target.relative_to(ROOT)}`'
        return name if link[1].strip('`') in name else f'{link[1]} ({name})'

    source[0] = LINK.sub(rewrite, file.read_text())


def setup(app: Sphinx) -> None:
    """Register it."""
    app.connect('source-read', stay_on_the_site)
