"""What every test shares."""

from shared_fixtures import _seed, bn_network, malicious, proves_malice

__all__ = ['_seed', 'bn_network', 'malicious', 'proves_malice']
