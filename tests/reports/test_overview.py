import json

from report_runs import (
    ROBUSTNESS,
    checked,
    headings,
    make_run,
    rows_of,
    session,
    train_line,
    val_line,
    written,
)


def test_summary_and_curves(tmp_path):
    html, markdown = written(tmp_path, make_run(tmp_path / 'run'))
    [row] = rows_of(markdown, 'Summary')
    assert row[:5] == ['run', '66.25', '90.00', 'DEDFKD', 'my_config']
    # 16 images a round after 10 of 40, and 3 seconds a round
    assert row[5:] == ['40', '40 of 40', '480', '2.0', 'iter_40.pth']
    versions = dict(rows_of(markdown, 'Versions and timings'))
    assert versions['Python'] == '3.11.7'
    assert versions['PyTorch'] == '2.15.0'
    assert versions['GPU 0'] == 'Some &lt;GPU&gt; 9000'
    assert versions['seconds a round (median)'] == '3'
    labels = [
        attributes.get('aria-label') for tag, attributes in checked(html).tags if tag == 'svg'
    ]
    assert (
        'Accuracy: run from 55.5 at round 20 to 66.25 at 40; '
        'teacher from 90 at round 20 to 90 at 40'
    ) in labels
    assert 'generator/loss: run from 1 at round 10 to 1 at 40' in labels


def test_key_figures_may_be_of_the_validation(tmp_path):
    lines = [train_line(10), val_line(10, 5.0, **{'fidelity/fid': 40.0})]
    _, markdown = written(tmp_path, session(tmp_path / 'run', '20260101_000000', lines))
    assert '| run | FID ↓ |\n' in markdown
    assert rows_of(markdown, 'Key figures') == [['run', '40']]


def test_key_figures_stand_beside_those_of_real_images(tmp_path):
    run = make_run(tmp_path / 'run')
    values = {'fidelity/fid': 9.0, 'fidelity/fid_floor': 0.5, 'fidelity/recall': 0.25}
    values |= {'class_balance/entropy': 0.75, 'class_balance/entropy_real': 0.875}
    (run / 'figures.json').write_text(
        json.dumps({'settings': {}, 'figures': values, 'details': {}})
    )
    _, markdown = written(tmp_path, run)
    assert '| run | FID ↓ | recall ↑ | entropy of the classes ↑ |\n' in markdown
    own, real = ['9', '0.25', '0.75'], ['0.5', '–', '0.875']
    assert rows_of(markdown, 'Key figures') == [['run', *own], ['real images', *real]]
    # The same real images are one row, others are another.
    make_run(tmp_path / 'none')
    for name in ('b', 'c'):
        make_run(tmp_path / name)
        (tmp_path / name / 'figures.json').write_text(
            json.dumps({'settings': {}, 'figures': values})
        )
        values['fidelity/fid_floor'] = 0.25
    runs = [tmp_path / name for name in ('run', 'none', 'b', 'c')]
    _, markdown = written(tmp_path, *runs)
    assert rows_of(markdown, 'Key figures') == [
        *[[name, *own] for name in ('run', 'b', 'c')],
        ['real images of run, b', *real],
        ['real images of c', '0.25', *real[1:]],
    ]


def test_the_extractor_is_named(tmp_path):
    content = {'figures': {'fidelity/fid': 9.0}, 'protocol': {'extractor': 'Net, 84 features; x'}}
    for name, settings in (('a', {'extractor': 'teacher'}), ('b', {'extractor': 'inception'})):
        run = make_run(tmp_path / name)
        (run / 'figures.json').write_text(json.dumps(content | {'settings': settings}))
    told = 'FID, precision and recall are in the features of'
    _, markdown = written(tmp_path, tmp_path / 'a')
    assert f'{told} the teacher (Net, 84 features).' in markdown
    _, markdown = written(tmp_path, tmp_path / 'a', tmp_path / 'b')
    assert f'{told} the teacher (Net, 84 features) for a; Net, 84 features for b.' in markdown


def test_robustness_is_averaged_by_severity(tmp_path):
    run = make_run(tmp_path / 'run')
    (run / 'robustness.json').write_text(json.dumps(ROBUSTNESS))
    _, markdown = written(tmp_path, run)
    head = (
        '| run | network | clean | all corruptions | corruptions, severity 1 '
        '| corruptions, severity 5 | FGSM, eps 8 | PGD, eps 8 |'
    )
    assert head in markdown
    assert rows_of(markdown, 'Robustness') == [
        ['run', 'student', '90.00', '58.25', '71.00', '45.50', '20.00', '1.00'],
        ['run', 'teacher', '95.00', '67.75', '80.50', '55.00', '30.00', '0.00'],
    ]
    protocol = dict(rows_of(markdown, 'Robustness: how they were measured'))
    assert protocol == {'settings / num': '1000'}
    # Without attacks, and of one severity: no mean of it alone.
    accuracy = {key: ROBUSTNESS['accuracy'][key] for key in ('clean', 'fog/1')}
    content = {'settings': {}, 'accuracy': accuracy, 'means': {}}
    (run / 'robustness.json').write_text(json.dumps(content))
    _, markdown = written(tmp_path, run)
    assert rows_of(markdown, 'Robustness')[0] == ['run', 'student', '90.00', '70.00']


def test_robustness_of_runs_attacked_with_other_eps(tmp_path):
    for name, eps in (('a', 25.5), ('b', 8)):
        run, clean = make_run(tmp_path / name), {'student': 90.0}
        attacked = {f'{attack}/{eps:g}': {'student': eps} for attack in ('fgsm', 'pgd')}
        content = {'settings': {}, 'accuracy': {'clean': clean, **attacked}}
        (run / 'robustness.json').write_text(json.dumps(content))
    _, markdown = written(tmp_path, tmp_path / 'a', tmp_path / 'b')
    assert '| clean | FGSM, eps 8 | FGSM, eps 25.5 | PGD, eps 8 | PGD, eps 25.5 |' in markdown
    assert rows_of(markdown, 'Robustness') == [
        ['a', 'student', '90.00', '–', '25.50', '–', '25.50'],
        ['b', 'student', '90.00', '8.00', '–', '8.00', '–'],
    ]


def test_a_teachers_own_run_is_of_a_classifier(tmp_path):
    lines = [
        {'loss': 2.0, 'lr': 0.1, 'time': 1.0, 'epoch': 1, 'iter': 50, 'step': 50},
        {'accuracy/top1': 91.5, 'step': 1},
    ]
    teacher = session(tmp_path / 'teacher', '20260101_000000', map(json.dumps, lines))
    (teacher / '20260101_000000/vis_data/config.py').write_text("model = dict(type='X')")
    html, markdown = written(tmp_path, teacher)
    assert '| run | classifier % | method | config | validated at |' in markdown
    assert rows_of(markdown, 'Summary')[0][1:5] == ['91.50', 'X', 'config', '50']
    assert 'student' not in html.split('<details>')[0].split('</style>')[1].lower()
    _, markdown = written(tmp_path, make_run(tmp_path / 'run'), teacher)
    assert '| run | student % | teacher % | classifier % |' in markdown
    assert [row[1:4] for row in rows_of(markdown, 'Summary')] == [
        ['66.25', '90.00', '–'],
        ['–', '–', '91.50'],
    ]


def test_what_most_want_comes_first(tmp_path):
    runs = [make_run(tmp_path / name, kd_steps=steps) for name, steps in (('a', 10), ('b', 20))]
    figures = {'settings': {}, 'figures': {'fidelity/fid': 31.25, 'fidelity/kid': 2.0}}
    figures['details'] = {'class_balance': {'share': [0.5, 0.5]}}
    (runs[0] / 'figures.json').write_text(json.dumps(figures))
    (runs[1] / 'robustness.json').write_text(json.dumps(ROBUSTNESS))
    html, markdown = written(tmp_path, *runs)
    assert headings(html)[:8] == [
        'Summary',
        'Accuracy',
        'Synthetic images',
        'Key figures',
        'Robustness',
        'Classes and confidence',
        'Losses',
        'Differences of the configs',
    ]
    assert rows_of(markdown, 'Key figures') == [['a', '31.25']]


def test_many_differences_of_configs_are_folded(tmp_path):
    runs = [make_run(tmp_path / name) for name in ('a', 'b')]
    config = runs[0] / '20260102_030405/vis_data/config.py'
    config.write_text(config.read_text() + f'env_cfg = { ({f"k{i}": i for i in range(30)}) }')
    html, _ = written(tmp_path, *runs)
    assert '<summary><h2>Differences of the configs</h2></summary>' in html


def test_figures_of_the_validation_have_a_table_and_charts(tmp_path):
    lines = [train_line(10), val_line(10, 5.0, fid=40.0), val_line(20, 6.0, fid=30.0)]
    html, markdown = written(tmp_path, session(tmp_path / 'run', '20260101_000000', lines))
    assert rows_of(markdown, 'Last figures of the validation') == [['fid', '30']]
    labels = [
        attributes.get('aria-label') for tag, attributes in checked(html).tags if tag == 'svg'
    ]
    assert 'fid: run from 40 at round 10 to 30 at 20' in labels


def test_a_robustness_without_means_has_no_column_of_them(tmp_path):
    run = make_run(tmp_path / 'run')
    without = {key: value for key, value in ROBUSTNESS.items() if key != 'means'}
    (run / 'robustness.json').write_text(json.dumps(without))
    _, markdown = written(tmp_path, run)
    assert '| clean | corruptions, severity 1 |' in markdown


def test_a_run_validated_on_synthetic_images_has_no_accuracies(tmp_path):
    lines = [train_line(10), json.dumps({'agreement/top1': 90.0, 'step': 10})]
    html, markdown = written(tmp_path, session(tmp_path / 'run', '20260101_000000', lines))
    assert 'No run was validated on labelled images.' in checked(html).texts
    assert 'Accuracies' not in markdown
