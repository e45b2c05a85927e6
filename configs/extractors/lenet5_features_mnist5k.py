"""FID and its companions in the 84 features of MNIST-5k's LeNet-5, not in the teacher's own."""

from mmengine.config import read_base

from mmdfkd.evaluation import ClassifierExtractor
from mmdfkd.models.classifiers import Classifier

with read_base():
    from .._base_.models.lenet5_networks import data_preprocessor, lenet5

extractor = dict(
    type=ClassifierExtractor,
    classifier=dict(
        type=Classifier,
        network=lenet5,
        checkpoint='work_dirs/teachers/lenet5_mnist5k/epoch_40.pth',
        how_to_get='make it: mmdfkd train configs/teachers/lenet5_mnist5k.py',
    ),
    data_preprocessor=data_preprocessor,
)
