"""What every test shares."""

from shared_fixtures import _formatted_once, _seed, bn_network, malicious, proves_malice, served

__all__ = ['_formatted_once', '_seed', 'bn_network', 'malicious', 'proves_malice', 'served']
