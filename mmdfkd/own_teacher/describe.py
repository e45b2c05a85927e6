"""What ``mmdfkd distill`` says of the teacher, the student and the images that it found."""

from pathlib import Path

from PIL import Image
from torchvision.datasets.folder import IMG_EXTENSIONS

from mmdfkd.datasets.image_files import UNREADABLE

from .pair import Pair


def describe(
    pair: Pair, teacher: str, student: str | None, test: str | None, image_size: int | None
) -> str:
    """Say what was found out, so that what is wrong can be put right.

    Args:
        pair: what was found.
        teacher: the name that was given.
        student: likewise, if one was.
        test: the folder of test images, if there is one.
        image_size: in pixels, as given, if it was.
    """
    images = pair.images
    of_teacher, of_student = pair.parameters
    which = {
        'mmdfkd.without_blocks': f'the teacher without {", ".join(pair.student.get("blocks", []))}',
        'mmdfkd.narrower': 'the teacher with half its channels',
    }.get(pair.student['type'], student)
    return '\n'.join(
        [
            f'teacher  {teacher}: {of_teacher:,} parameters, {pair.num_classes} '
            f'classes, {"with" if pair.batch_norms else "without"} batch norms',
            f'student  {which}: {of_student:,} parameters, {100 * of_student / of_teacher:.0f} % '
            'of these',
            f'images   {images.channels} x {images.size} x {images.size}, mean {images.mean}, std '
            f'{images.std} in pixels{", BGR" if images.swap else ""}',
            *_recipe_note(pair),
            'if a line is wrong: --image-size, --mean, --std, --teacher-options, --student',
            *_size_note(test, image_size, pair.images.size),
        ]
    )


def _recipe_note(pair: Pair) -> list[str]:
    """Say what the recipe of a teacher without batch norms takes for granted of the images."""
    if pair.batch_norms:
        return []
    if pair.images.dark:
        return [
            'recipe   for images of a black ground, as digits; if yours are not, give --no-dark'
        ]
    return ['recipe   for images that fill the frame; if most pixels are black, give --dark']


def _size_note(test: str | None, given: int | None, size: int) -> list[str]:
    """Ask for the size where the test images have another than the library says."""
    if test is None or given is not None:
        return []
    images = (path for path in Path(test).rglob('*') if path.suffix.lower() in IMG_EXTENSIONS)
    # macOS leaves a '._photo.png' of no pixels beside a photo.png.
    if (first := next((path for path in images if path.name[0] != '.'), None)) is None:
        return []
    try:
        with Image.open(first) as image:
            width, height = image.size
    except UNREADABLE:  # the run tells it, if it takes this file at all
        return []
    if min(width, height) == size:
        return []
    return [
        f'warning: {first.name} of {test} is {width} x {height}, and the teacher is taken to '
        f'see {size} x {size}: give --image-size {min(width, height)} if it was trained so'
    ]
