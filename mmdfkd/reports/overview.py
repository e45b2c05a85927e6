"""The first tables of a report: accuracies, the figures that most look for, robustness."""

import itertools

from .run_logs import Run
from .tables import NOTHING, Table, cell

ATTACKS = ('fgsm', 'pgd')
#: The figures that most look for, of those that figures.py writes: which way is better.
KEY_FIGURES = {
    'fidelity/fid': 'FID ↓',
    'fidelity/precision': 'precision ↑',
    'fidelity/recall': 'recall ↑',
    'class_balance/entropy': 'entropy of the classes ↑',
    'class_balance/missing_classes': 'missing classes ↓',
    'diversity/intra': 'distance inside a class',
    'agreement/top1': 'agreement with the teacher % ↑',
}


def overview(runs: list[Run]) -> list[Table]:
    """Tabulate what most want to know of runs."""
    tables = [summary(runs), key_figures(runs), robustness(runs)]
    return [table for table in tables if table.rows]


def accuracies(run: Run) -> dict[str, str]:
    """Return the last accuracies by whose they are."""
    curve = run.val.get(run.metric or '', [])
    last = {'student' if run.is_distillation else 'classifier': curve}
    last['teacher'] = run.val.get(f'teacher/{run.metric}', [])
    return {name: f'{points[-1][1]:.2f}' for name, points in last.items() if points}


def summary(runs: list[Run]) -> Table:
    """Sum each run up in a row."""
    kinds = {run.is_distillation for run in runs}
    networks = ['student', 'teacher'] * (True in kinds) + ['classifier'] * (False in kinds)
    others = ['validated at', 'rounds', 'images', 'minutes', 'checkpoint']
    rows = []
    for run in runs:
        validated = run.val.get(run.metric or '', [])
        asked = run.config.get('train_cfg.max_iters')
        rows.append(
            [
                run.name,
                *(accuracies(run).get(name, NOTHING) for name in networks),
                str(run.config.get('model.type', NOTHING)).split('.')[-1],
                run.config_file,
                cell(validated[-1][0] if validated else None),
                f'{run.rounds} of {asked}' if asked else str(run.rounds),
                NOTHING if run.images is None else f'{run.images:,}',
                f'{run.minutes:.1f}',
                cell(run.checkpoint),
            ]
        )
    metrics = ', '.join(sorted({run.metric for run in runs if run.metric}))
    note = (
        f'Accuracies: {metrics} of the last validation. ' * bool(metrics)
        + 'Classifier: of a run that distils nothing, such as a teacher’s own. ' * (False in kinds)
        + 'Images: those that the rounds brought, as the run counted them. '
        'Minutes: of training, without evaluation.'
    )
    head = ['run', *(f'{name} %' for name in networks), 'method', 'config', *others]
    return Table('Summary', note, head, rows, cards=True)


def key_figures(runs: list[Run]) -> Table:
    """Tabulate the figures that most look for, a row a run, and last what real images have."""
    rows: dict[str, list[float | None]] = {}
    of_real: dict[tuple, list[str]] = {}
    for run in runs:
        found = {name: curve[-1][1] for name, curve in run.val.items()}
        found |= run.figures.get('figures', {}).get('figures', {})
        rows[run.name] = [found.get(name) for name in KEY_FIGURES]
        real = tuple(found.get(f'{n}_floor', found.get(f'{n}_real')) for n in KEY_FIGURES)
        of_real.setdefault(real, []).append(run.name)
    of_real.pop((None,) * len(KEY_FIGURES), None)
    for real, names in of_real.items():
        rows['real images' + f' of {", ".join(names)}' * (len(of_real) > 1)] = [*real]
    some = [any(values[i] is not None for values in rows.values()) for i in range(len(KEY_FIGURES))]
    head = ['run', *itertools.compress(KEY_FIGURES.values(), some)]
    cells = [
        [name, *map(cell, itertools.compress(values, some))]
        for name, values in rows.items()
        if any(value is not None for value in values)
    ]
    note = (
        'Of figures.json, or else of the last validation; all of them are below. '
        '↓: less is better, ↑: more.'
        + ' Real images: what perfect samples would have.' * bool(of_real)
        + extractors(runs)
    )
    return Table('Key figures', note, head, cells, cards=True)


def extractors(runs: list[Run]) -> str:
    """Name the networks whose features the figures of runs are of."""
    found: dict[str, list[str]] = {}
    for run in runs:
        content = run.figures.get('figures', {})
        protocol, settings = content.get('protocol'), content.get('settings')
        if isinstance(protocol, dict) and 'extractor' in protocol:
            name = str(protocol['extractor']).partition(';')[0]
            if isinstance(settings, dict) and settings.get('extractor') == 'teacher':
                name = f'the teacher ({name})'
            found.setdefault(name, []).append(run.name)
    told = [
        f'{name}' + f' for {", ".join(names)}' * (len(found) > 1) for name, names in found.items()
    ]
    return f' FID, precision and recall are in the features of {"; ".join(told)}.' * bool(found)


def column_of(row: str) -> str:
    """Name the column of a row of robustness.json: ``clean``, ``fog/3``, ``pgd/8``."""
    name, _, level = row.partition('/')
    if name in ATTACKS:
        return f'{name.upper()}, eps {level}'
    return f'corruptions, severity {level}' if level else name


def mean_accuracies(measured: dict) -> dict[str, dict[str, float]]:
    """Average the corruptions in a robustness.json by severity, and all: by network and name."""
    rows = measured.get('accuracy', {})
    severities = {name for name in map(column_of, rows) if name.startswith('corruptions')}
    if len(severities) > 1:
        mean = measured.get('means', {}).get('mean of corruptions', {})
        rows = {'clean': rows.get('clean', {}), 'all corruptions': mean} | rows
    values: dict[str, dict[str, list[float]]] = {}
    for row, of_networks in rows.items():
        for network, value in of_networks.items():
            values.setdefault(network, {}).setdefault(column_of(row), []).append(value)
    return {
        network: {name: sum(of_name) / len(of_name) for name, of_name in of_network.items()}
        for network, of_network in values.items()
    }


def order_of(column: str) -> tuple[int, float]:
    """Place a column: by kind, then from weak to strong."""
    kind, _, rest = column.partition(' ')
    level = rest.rpartition(' ')[2]
    strength = float(level) if level.replace('.', '').isdigit() else 0.0
    return ('clean', 'all', 'corruptions,', 'FGSM,', 'PGD,').index(kind), strength


def robustness(runs: list[Run]) -> Table:
    """Tabulate the means of robustness.json, a row a network."""
    found = [
        (run.name, network, means)
        for run in runs
        for network, means in mean_accuracies(run.figures.get('robustness', {})).items()
    ]
    names = sorted({name for _, _, means in found for name in means}, key=order_of)
    rows = [
        [run, network, *(f'{means[n]:.2f}' if n in means else NOTHING for n in names)]
        for run, network, means in found
    ]
    note = (
        'Accuracy in percent, of robustness.json. Corruptions: the mean of their families. '
        'Eps: the largest change of a pixel, of 255. Every corruption is below.'
    )
    return Table('Robustness', note, ['run', 'network', *names], rows, cards=True)
