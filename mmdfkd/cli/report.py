"""Write one page about runs: ``mmdfkd report WORK_DIR... --out report.html``.

The page needs nothing else: curves are inline SVG, pictures are in it, and it has no script.
With ``--markdown`` its tables are written as Markdown, too, and with ``--csv`` all that was logged
as one table: run, phase, name, round, value. A run may be going on.
"""

from pathlib import Path

from mmdfkd.cli.command import Parser, as_command
from mmdfkd.outputs import Output
from mmdfkd.reports.curves_csv import is_csv, write_csv
from mmdfkd.reports.page import is_markdown, is_page, write_html, write_markdown
from mmdfkd.reports.run_logs import read_runs


def main(arguments: list[str] | None = None) -> None:
    """Run."""
    parser = Parser(description=__doc__)
    parser.add_argument('work_dirs', nargs='+', type=Path, metavar='WORK_DIR')
    parser.add_argument('--out', type=Path, default=Path('report.html'), help='the page')
    parser.add_argument('--markdown', type=Path, help='write the tables to this .md file, too')
    parser.add_argument('--csv', type=Path, help='write the curves to this .csv file, too')
    parser.add_argument('--force', action='store_true', help='replace files that are no reports')
    args = parser.parse_args(arguments)
    page = Output(args.out, args.force, is_page, option='another --out')
    tables = None
    if args.markdown:
        tables = Output(args.markdown, args.force, is_markdown, option='another --markdown')
    table = Output(args.csv, args.force, is_csv, option='another --csv') if args.csv else None
    runs = read_runs(args.work_dirs)
    page.write(write_html(runs))
    if tables:
        tables.write(write_markdown(runs))
    if table:
        table.write(write_csv(runs))
    print(f'{len(runs)} run(s) are in {args.out}')


command = as_command(main)

if __name__ == '__main__':
    command()
