from mmengine.config import Config

from mmdfkd.models.distillers.frame.loss_trial import _GIVEN
from mmdfkd.packaged import CONFIGS
from mmdfkd.reports.loss_names import MEANINGS, explain


def test_a_logged_name_is_explained_by_its_last_part():
    assert list(explain(['student/loss', 'generator/loss_bn', 'generator/mine'])) == [
        'loss',
        'loss_bn',
    ]


def test_every_loss_of_the_configs_is_explained():
    names = set()
    for file in CONFIGS.rglob('*.py'):
        if '_base_' in file.parts:
            continue
        model = Config.fromfile(file).get('model') or {}
        names |= {key for key in model if key.startswith('loss_')}
        names |= {f'loss_prior_{prior}' for prior in model.get('image_priors') or {}}
    assert len(names) > 10
    assert names | _GIVEN.keys() <= MEANINGS.keys()  # the latter: of losses that no config has
