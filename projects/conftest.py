"""What the projects' tests share; scripts here may want packages that tests have not."""

from pathlib import Path

from shared_fixtures import _formatted_once, _seed, malicious, proves_malice

__all__ = ['_formatted_once', '_seed', 'malicious', 'proves_malice']

collect_ignore = [
    str(script)
    for pattern in ('*/*.py', '*/configs/*.py')
    for script in Path(__file__).parent.glob(pattern)
]
