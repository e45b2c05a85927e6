import json
from pathlib import Path

from mmdfkd.config_tools.dumped_config import parse_config


def test_config_is_parsed_as_mmengine_dumps_it(tmp_path):
    from mmengine.config import Config

    root = Path(__file__).parents[2]
    cfg = Config.fromfile(root / 'configs/dedfkd_lenet5_mnist5k.py')
    cfg.dump(tmp_path / 'config.py')
    parsed = parse_config((tmp_path / 'config.py').read_text())
    expected = Config.fromfile(tmp_path / 'config.py').to_dict()
    assert json.dumps(parsed, sort_keys=True) == json.dumps(expected, sort_keys=True)
