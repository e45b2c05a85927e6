import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from mmdfkd.datasets.image_files import find_images, read_image


def picture(path, size=(8, 8), colour=(255, 0, 0)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', size, colour).save(path)


def test_a_flat_folder_gives_its_images_in_order(tmp_path):
    for name in ('b.png', 'a.JPG', 'c.bmp', '.hidden'):
        picture_or_text = tmp_path / name
        if name == '.hidden':
            picture_or_text.write_text('not looked at')
        else:
            picture(picture_or_text)
    assert [path.name for path in find_images(tmp_path)] == ['a.JPG', 'b.png', 'c.bmp']


def test_folders_of_classes_give_what_torchvisions_image_folder_has(tmp_path):
    for name in ('dog/2.png', 'dog/deeper/1.png', 'cat/3.png'):
        picture(tmp_path / name)
    expected = [path for path, _ in ImageFolder(tmp_path).samples]
    assert sorted(map(str, find_images(str(tmp_path)))) == sorted(expected)


@pytest.mark.parametrize('what', ['missing', 'empty', 'empty class'])
def test_a_folder_without_images_is_an_error(tmp_path, what):
    root = tmp_path / 'root'
    if what != 'missing':
        root.mkdir()
    if what == 'empty class':
        picture(root / 'dog/1.png')
        (root / 'cat').mkdir()
    with pytest.raises(FileNotFoundError, match='root' if what != 'empty class' else 'cat'):
        find_images(root)


@pytest.mark.parametrize('stranger', ['notes.txt', 'archive.zip', 'dog/notes.txt'])
def test_a_file_that_is_no_image_is_an_error(tmp_path, stranger):
    picture(tmp_path / ('dog/1.png' if '/' in stranger else '1.png'))
    (tmp_path / stranger).write_text('')
    with pytest.raises(ValueError, match=stranger.rsplit('/', maxsplit=1)[-1]):
        find_images(tmp_path)


def test_images_beside_folders_are_an_error(tmp_path):
    picture(tmp_path / '1.png')
    picture(tmp_path / 'dog/1.png')
    with pytest.raises(ValueError, match=r'both 1\.png and dog/'):
        find_images(tmp_path)


@pytest.mark.parametrize(('channels', 'expected'), [(3, [255, 0, 0]), (1, [76])])
def test_an_image_is_scaled_to_cover_and_cropped_in_the_middle(tmp_path, channels, expected):
    image = Image.new('RGB', (40, 10), (0, 0, 255))
    image.paste((255, 0, 0), (10, 0, 30, 10))  # the middle half is red
    image.save(tmp_path / 'wide.png')
    pixels = read_image(tmp_path / 'wide.png', (channels, 4, 4))
    assert pixels.shape == (channels, 4, 4)
    assert pixels.dtype == torch.float32
    assert pixels.flatten(1).mean(1).tolist() == expected


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / 'broken.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r'broken\.png'):
        read_image(tmp_path / 'broken.png', (3, 4, 4))


@pytest.mark.parametrize('channels', [1, 3])
def test_sixteen_bits_are_read_as_opencv_reads_them(tmp_path, channels):
    values = np.array([[0, 200, 1000, 10000, 30000, 65535]], dtype=np.uint16)
    cv2.imwrite(str(tmp_path / 'deep.png'), values)
    expected = cv2.imread(str(tmp_path / 'deep.png'), cv2.IMREAD_GRAYSCALE)
    pixels = read_image(tmp_path / 'deep.png', (channels, 1, 6))
    assert all(channel.tolist() == expected.tolist() for channel in pixels)


def test_an_image_of_floats_is_refused(tmp_path):
    Image.new('F', (4, 4), 0.5).save(tmp_path / 'a.tiff')
    with pytest.raises(ValueError, match='should be an image of 8 or 16 bits'):
        read_image(tmp_path / 'a.tiff', (1, 4, 4))


def test_folders_that_are_links_below_a_class_are_followed(tmp_path):
    for name in ('root/dog/z.png', 'root/dog/b/1.png', 'elsewhere/2.png', 'elsewhere/a/3.png'):
        picture(tmp_path / name)
    (tmp_path / 'root/dog/link').symlink_to(tmp_path / 'elsewhere')
    expected = [path for path, _ in ImageFolder(tmp_path / 'root').samples]
    assert len(expected) == 4
    assert [*map(str, find_images(tmp_path / 'root'))] == expected


def hole(path):
    """A PNG with zeros over the head of its last piece."""
    pixels = np.random.default_rng(0).integers(256, size=(200, 200, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, 'PNG')
    content = bytearray(path.read_bytes())
    start = content.rindex(b'IDAT')
    content[start - 4 : start + 4] = bytes(8)
    path.write_bytes(content)


def no_number(path):
    """A text of pixels with a letter in it."""
    path.write_bytes(b'P3\n1 2\n255\n1 2 3 x 5 6\n')


@pytest.mark.parametrize('damage', [hole, no_number])
def test_an_image_that_breaks_while_it_is_decoded_is_named(tmp_path, damage):
    damage(tmp_path / 'a.png')
    with pytest.raises(ValueError, match=r'a\.png should be an image, but: .*; take it out'):
        read_image(tmp_path / 'a.png', (3, 4, 4))


def test_an_image_that_is_too_large_is_named(tmp_path, monkeypatch):
    picture(tmp_path / 'a.png', size=(30, 30))
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    with pytest.raises(ValueError, match=r'a\.png should be an image, but: .*decompression bomb'):
        read_image(tmp_path / 'a.png', (3, 4, 4))


def test_a_tiff_of_32_bits_is_refused_and_a_pgm_of_16_is_read(tmp_path):
    Image.fromarray(np.full((4, 4), 200, dtype=np.int32)).save(tmp_path / 'a.tiff')
    with pytest.raises(ValueError, match='of 8 or 16 bits, but has signed or 32-bit numbers'):
        read_image(tmp_path / 'a.tiff', (1, 4, 4))
    cv2.imwrite(str(tmp_path / 'a.pgm'), np.full((4, 4), 200 * 256, dtype=np.uint16))
    assert read_image(tmp_path / 'a.pgm', (1, 4, 4)).mean() == 200
