"""The configs that are installed with the package, in OpenMMLab's place for them, ``.mim``."""

from pathlib import Path

from mmengine.config import config as mmengine_config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.hub import hub as mmengine_hub

#: Holds ``configs/``, ``tools/`` and ``model-index.yml``: links in a clone, copies in a wheel.
MIM = Path(__file__).parent / '.mim'
CONFIGS = MIM / 'configs'

_of_mmengine = mmengine_config.get_installed_path


def _root_of_configs(package: str) -> str:
    return str(MIM) if package == 'mmdfkd' else _of_mmengine(package)


def _root_of_package(package: str) -> str:
    return str(MIM.parent) if package == 'mmdfkd' else _of_mmengine(package)


def let_mmengine_find_configs() -> None:
    """Have MMEngine find our configs by name, wherever a config of a user is.

    ``from mmdfkd.configs.NAME import *`` under ``read_base()`` is then a file of
    :data:`CONFIGS`; without it MMEngine asks ``pkg_resources``, which setuptools 81 and later
    have not, for a folder that is not there. ``get_config('mmdfkd::FOLDER/NAME.py')`` needs
    ``pkg_resources`` all the same, which in an editable install does not know the folder.
    """
    MODULE2PACKAGE['mmdfkd'] = 'mmdfkd'
    mmengine_config.get_installed_path = _root_of_configs
    mmengine_hub.get_installed_path = _root_of_package
