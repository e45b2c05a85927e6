"""An augmentation whose views can be told from what was left out."""

from mmdfkd.models.utils.augment import Augmentation


class Grey(Augmentation):
    """Every view is of one shade: none that was left out looks like it."""

    num_draws = 1

    def forward(self, images, draws):
        return images * 0 + 150
