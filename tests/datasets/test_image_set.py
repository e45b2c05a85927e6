import pytest

from mmdfkd.datasets import image_set


@pytest.mark.parametrize(
    'content', [b'', b'{"labels": [1]}', b'[1, 2]', b'{"settings": 3}', b'\xff']
)
def test_a_folder_with_another_dataset_json_is_refused_by_its_name(tmp_path, content):
    (tmp_path / 'dataset.json').write_bytes(content)
    with pytest.raises(
        ValueError, match=f'OUT should be new, .* but {tmp_path}/dataset.json is of'
    ):
        image_set.begin(tmp_path, dict(num_classes=3))
    assert (tmp_path / 'dataset.json').read_bytes() == content
