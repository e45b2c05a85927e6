"""A trained student as others load it: ONNX, torch.export, safetensors, mmpretrain, 8-bit ONNX."""

from .forms import library_of, write_mmpretrain, write_pt2, write_safetensors
from .int8 import quantise
from .onnx_file import TOLERANCE, write_onnx
from .student import PixelClassifier, TrainedStudent, load_student

__all__ = [
    'TOLERANCE',
    'PixelClassifier',
    'TrainedStudent',
    'library_of',
    'load_student',
    'quantise',
    'write_mmpretrain',
    'write_onnx',
    'write_pt2',
    'write_safetensors',
]
