from mmengine.config import ConfigDict

from mmdfkd.models.classifiers.brought import drop_weights


def test_weights_to_begin_with_are_taken_out_of_every_part():
    network = ConfigDict(
        type='ImageClassifier',
        pretrained='https://example.invalid/a.pth',
        backbone=dict(type='TIMMBackbone', model_name='resnet10t', pretrained=True),
        init_cfg=[dict(type='Normal'), dict(type='Pretrained', checkpoint='a.pth')],
        heads=[dict(type='mine', weights=[0.5, 0.5]), dict(type='vgg11', weights='DEFAULT')],
        neck=dict(type='narrower', network=dict(type='A', checkpoint_path='a.pth')),
    )
    drop_weights(network)
    assert network == dict(
        type='ImageClassifier',
        backbone=dict(type='TIMMBackbone', model_name='resnet10t'),
        init_cfg=[dict(type='Normal')],
        heads=[dict(type='mine', weights=[0.5, 0.5]), dict(type='vgg11')],
        neck=dict(type='narrower', network=dict(type='A')),
    )
