import cv2
import numpy as np
import pytest

from mmdfkd.datasets import ImageFolder, ImageNet, folders
from mmdfkd.registry import DATASETS


def test_a_missing_folder_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        ImageFolder(data_root=str(tmp_path), data_prefix='test')
    message = str(caught.value)
    assert f'{tmp_path}/test should have one folder of images a class' in message
    assert 'there is no such folder; put them there, or set' in message
    assert 'data_root' in message


@pytest.mark.parametrize('folders', [[], ['airplane']])
def test_a_folder_without_images_is_explained(folders, tmp_path):
    for name in folders:
        (tmp_path / name).mkdir()
    with pytest.raises(FileNotFoundError, match=r'images a class, but: Found 0 files.*; put them'):
        ImageFolder(data_root=str(tmp_path))


def test_the_error_says_how_to_get_the_images(tmp_path):
    cfg = dict(type=ImageFolder, data_root=str(tmp_path / 'x'), how_to_get='unpack the archive')
    with pytest.raises(FileNotFoundError, match=r'put them there \(unpack the archive\), or'):
        DATASETS.build(cfg)


def test_imagenet_without_all_its_classes_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'val should have one folder .* no such folder'):
        ImageNet(data_root=str(tmp_path), split='val')
    (tmp_path / 'val/n01440764').mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r'subfolders \(1\).*classes \(1000\)'):
        ImageNet(data_root=str(tmp_path), split='val')


def test_a_missing_list_is_not_taken_for_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        ImageFolder(data_root=str(tmp_path), ann_file='list.txt')
    assert 'list.txt' in str(caught.value)
    assert 'images a class' not in str(caught.value)


def test_folders_are_classes_in_their_order(tmp_path):
    for name in ('cat', 'bird'):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / '1.png'), np.zeros((4, 4, 3), dtype=np.uint8))
    dataset = ImageFolder(data_root=str(tmp_path))
    assert dataset.metainfo['classes'] == ('bird', 'cat')
    assert dataset.get_gt_labels().tolist() == [0, 1]


@pytest.mark.parametrize('content', [b'', b'no image'])
def test_a_broken_image_is_named(content, tmp_path):
    (tmp_path / 'cat').mkdir()
    (tmp_path / 'cat/1.png').write_bytes(content)
    dataset = ImageFolder(data_root=str(tmp_path), pipeline=[dict(type='LoadImageFromFile')])
    with pytest.raises(ValueError, match=r'cat/1\.png should be an image that can be read'):
        dataset[0]


def test_webp_is_read_and_other_images_are_told_of(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(folders, 'print_log', lambda text, **_: told.append(text))
    (tmp_path / 'cat').mkdir()
    for name in ('1.png', '2.webp'):
        cv2.imwrite(str(tmp_path / 'cat' / name), np.zeros((4, 4, 3), dtype=np.uint8))
    (tmp_path / 'cat/3.jp2').write_bytes(b'not looked at')
    (tmp_path / 'cat/notes.txt').write_text('not an image')
    assert len(ImageFolder(data_root=str(tmp_path))) == 2
    (text,) = told
    assert '1 images below ' in text
    assert '3.jp2 among them' in text


def with_a_hole():
    """A PNG with zeros over the head of its last piece, which Pillow meets while it decodes."""
    pixels = np.random.default_rng(0).integers(256, size=(200, 200, 3), dtype=np.uint8)
    content = bytearray(cv2.imencode('.png', pixels)[1].tobytes())
    start = content.rindex(b'IDAT')
    content[start - 4 : start + 4] = bytes(8)
    return bytes(content)


@pytest.mark.parametrize(
    ('content', 'told'),
    [
        (b'P3\n1 2\n255\n1 2 3 x 5 6\n', 'go through the pipeline, but: invalid literal'),
        (with_a_hole(), 'be an image that can be read, but: broken PNG file'),
    ],
    ids=['text', 'hole'],
)
def test_an_image_that_pillow_cannot_decode_is_named(content, told, tmp_path):
    (tmp_path / 'cat').mkdir()
    (tmp_path / 'cat/1.png').write_bytes(content)
    load = dict(type='LoadImageFromFile', imdecode_backend='pillow')
    dataset = ImageFolder(data_root=str(tmp_path), pipeline=[load])
    with pytest.raises(ValueError, match=rf'cat/1\.png should {told}'):
        dataset[0]


def test_a_list_may_have_a_mark_of_byte_order_and_blank_lines(tmp_path):
    (tmp_path / 'list.txt').write_text('a b.png 1\r\n\nc.png 0\n \n\n', encoding='utf-8-sig')
    dataset = ImageFolder(data_root=str(tmp_path), ann_file='list.txt')
    found = [dataset.get_data_info(index) for index in range(len(dataset))]
    expected = [(f'{tmp_path}/a b.png', 1), (f'{tmp_path}/c.png', 0)]
    assert [(info['img_path'], info['gt_label']) for info in found] == expected
    bare = ImageFolder(data_root=str(tmp_path), ann_file='list.txt', with_label=False)
    assert bare.get_data_info(1)['img_path'] == f'{tmp_path}/c.png 0'
    (tmp_path / 'list.txt').write_text('a.png\n')
    with pytest.raises(ValueError, match=r'a text of lines "FILE LABEL", but .*list\.txt raised'):
        ImageFolder(data_root=str(tmp_path), ann_file='list.txt')
