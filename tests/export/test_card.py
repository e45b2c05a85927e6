import torch
from torch import nn

from mmdfkd.export import TrainedStudent
from mmdfkd.export.card import Written, card, name_of

RECORD = dict(
    method='DEDFKD',
    about='A generator.',
    teacher='Big()',
    teacher_weights='big.pth',
    student='Small()',
    config='c.py',
    checkpoint='iter_9.pth',
    mmdfkd='0.1.0',
)


def student(classes=None, **record):
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()
    config = dict(type=nn.Sequential)
    return TrainedStudent(
        network, config, {}, [1.5], [2.0], (1, 4, 4), [], classes, RECORD | record
    )


def test_a_bare_student_says_what_is_not_known():
    text = card(student(), Written(['model.pt2', 'README.md'], 'uint8', missing=['No test set.']))
    assert text.startswith('---\npipeline_tag: image-classification\n')
    assert 'distilled from Big() **without any of its training data**' in text
    assert '4 x 4 pixels, grey' in text
    assert '(mean 1.5; std 2)' in text
    assert "torch.export.load('model.pt2').module()(pixels)  # torch, uint8" in text
    assert text.count('import torch\n') == 1
    assert 'onnx' not in text.split('## How to load it')[1].split('##')[0]
    assert 'None was measured.' in text
    unknown = text.split('## What is not known')[1]
    for gap in ('No test set.', 'What its classes are called', 'corruption', 'How long', 'licence'):
        assert gap in unknown


def test_figures_have_their_number_and_hardware():
    record = dict(
        validation={'accuracy/top1': 60.0, 'teacher/accuracy/top1': 90.0},
        hardware='an H100',
        minutes=3.5,
        robustness=dict(values={'fog': 41.25}, n=2000, hardware='a CPU'),
    )
    figures = [['model.onnx, accuracy, %, MNIST', '59.00', '10,000', 'this CPU']]
    files = ['model.onnx', 'model.int8.onnx', 'README.md']
    written = Written(files, 'float32', {'model.onnx': 2e-7}, figures)
    text = card(student(('cat', 'dog'), **record), written)
    for row in (
        '| model.onnx, accuracy, %, MNIST | 59.00 | 10,000 | this CPU |',
        '| student, accuracy/top1, of the run’s log | 60.00 | not recorded | an H100 |',
        '| teacher, accuracy/top1, of the run’s log | 90.00 | not recorded | an H100 |',
        '| robustness.json, fog | 41.25 | 2000 | a CPU |',
        '| minutes of training | 3.5 |',
        'model.onnx gives torch’s logits to 2e-07 of the largest one',
        'The classes: cat, dog.',
    ):
        assert row in text
    assert 'corruption' not in text.split('## What is not known')[1]


def test_the_name_is_the_architectures():
    assert name_of(dict(type='a.ImageClassifier', backbone=dict(type='b.ThinResNet'))) == (
        'ThinResNet'
    )
    assert name_of(dict(type='a.TimmClassifier', model_name='resnet18')) == 'resnet18'
    assert name_of(dict(type='a.TimmClassifier', model_name='resnet10t.c3_in1k')) == (
        'resnet10t.c3_in1k'
    )
    assert name_of(dict(type=torch.nn.Sequential)) == 'Sequential'
    assert name_of(dict(type='mmdfkd.narrower', network=dict(type='torchvision.models.vgg11'))) == (
        'A part of vgg11'
    )


def test_the_card_names_what_the_network_is_of():
    made = student()
    made.config = dict(type='mmdfkd.narrower', network=dict(type='mynets.small'), image_shape=[1])
    text = card(made, Written(['model.onnx', 'model.safetensors'], 'float32'))
    assert '# It needs mmdfkd, mynets;' in text
    assert 'import mmdfkd.registry\nimport onnxruntime\nimport safetensors.torch\n\n' in text
