"""FID and its companions in the public ResNet-56's 64 features, not in the teacher's own."""

from mmengine.config import read_base

from mmdfkd.evaluation import ClassifierExtractor
from mmdfkd.models.classifiers import Classifier

with read_base():
    from .._base_.models.resnet20_cifar import resnet20_preprocessor, resnet56

extractor = dict(
    type=ClassifierExtractor,
    classifier=dict(
        type=Classifier,
        network=resnet56,
        checkpoint='data/teachers/resnet56_cifar10.th',
        prefix='module.',
        how_to_get='bring it: mmdfkd prepare-teachers',
    ),
    data_preprocessor=resnet20_preprocessor,
)
