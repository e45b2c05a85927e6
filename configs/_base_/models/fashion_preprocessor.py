"""Fashion-MNIST's pixel statistics, those of mmpretrain's own way of counting: 28 pixels."""

from mmpretrain.models import ClsDataPreprocessor

# A name of its own: the order of imports would decide between it and MNIST's data_preprocessor.
fashion_preprocessor = dict(type=ClsDataPreprocessor, mean=[72.94], std=[90.02])
