"""timm's networks for 32x32 images and 10 classes: the stem's stride is 2, 4 or 1, not 4 or 16."""

from mmpretrain.models import TimmClassifier

resnet32ts = dict(type=TimmClassifier, model_name='resnet32ts', stem_type='3x3', num_classes=10)
vit_tiny = dict(
    type=TimmClassifier,
    model_name='vit_tiny_patch16_224',
    img_size=32,
    patch_size=4,
    num_classes=10,
)
convnext_atto = dict(type=TimmClassifier, model_name='convnext_atto', patch_size=1, num_classes=10)
