"""How Sphinx makes the site of these pages: ``bash tools/check_docs.sh``, or sphinx-build."""

import importlib.metadata
import os
import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
#: The page that shows a file. Some pages are links to a README elsewhere in the repository.
PAGES = {page.resolve(): page for page in [*DOCS.rglob('*.md'), *DOCS.rglob('*.ipynb')]}
LINK = re.compile(r'\[([^\]]+)\]\(([^)#:\s]+)(#[^)\s]+)?\)')

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
copybutton_exclude = '.linenos, .gp, .go'


def stay_on_the_site(app: Sphinx, docname: str, source: list[str]) -> None:
    """Lead links to files of the repository to their page, or leave the file's name in place."""
    file = Path(app.env.doc2path(docname))
    if file.suffix != '.md':
        return
    folder, real = file.parent, file.resolve().parent

    def rewrite(link: re.Match[str]) -> str:
        target = (real / link[2]).resolve()
        page = PAGES.get(target) or PAGES.get(target / 'README.md')
        if page and page.is_symlink():  # MyST would follow it
            name = page.relative_to(DOCS).with_suffix('')
            return f'{{doc}}`{link[1].replace("`", "")} </{name}>`'
        if page:
            return f'[{link[1]}]({os.path.relpath(page, folder)}{link[3] or ""})'
        if not target.exists():
            return link[0]  # MyST says so
        name = f'`{target.relative_to(ROOT)}`'
        return name if link[1].strip('`') in name else f'{link[1]} ({name})'

    source[0] = LINK.sub(rewrite, source[0])


def setup(app: Sphinx) -> None:
    """Register it."""
    app.connect('source-read', stay_on_the_site)
