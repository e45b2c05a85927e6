"""The thin ResNets of the CIFAR experiments: ResNet-20, 32, 44, 56, 110."""

from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.registry import MODELS


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut without parameters (He et al., option A).

    Args:
        in_channels: channels of the input.
        channels: channels of the output.
        stride: of the first convolution and the shortcut.
    """

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.pad_channels = (channels - in_channels) // 2

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to (N, C, H / stride, W / stride)."""
        residual = F.relu(self.bn1(self.conv1(maps)))
        residual = self.bn2(self.conv2(residual))
        shortcut = maps[:, :, :: self.stride, :: self.stride]
        if self.pad_channels:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, self.pad_channels, self.pad_channels))
        return F.relu(residual + shortcut)


@MODELS.register_module()
class ThinResNet(BaseBackbone):
    """ResNet of 16, 32 and 64 channels for 32x32 images (He et al., CVPR 2016, 4.2).

    Gives pooled features (N, 64) for a ``LinearClsHead``. Inside mmpretrain's
    ``ImageClassifier`` it also reads the public weights of the repository
    akamaster/pytorch_resnet_cifar10 (``prefix='module.'``).

    Args:
        depth: 6n + 2, e.g. 20 or 56.

    Raises:
        ValueError: if ``depth`` is not of that form.
    """

    def __init__(self, depth: int = 20) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(f'depth should be 6n + 2 (20, 32, 44, 56, ...), but got {depth}')
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, blocks, stride=1)
        self.layer2 = self._stage(16, 32, blocks, stride=2)
        self.layer3 = self._stage(32, 64, blocks, stride=2)

    @staticmethod
    def _stage(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
        first = BasicBlock(in_channels, channels, stride)
        return nn.Sequential(first, *(BasicBlock(channels, channels, 1) for _ in range(blocks - 1)))

    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        """Return the pooled features of normalised images (N, 3, H, W) as a tuple of one."""
        maps = F.relu(self.bn1(self.conv1(inputs)))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        return (maps.mean((2, 3)),)

    @staticmethod
    def _checkpoint_filter(state: dict, prefix: str, *_: object) -> None:
        """Rename the public weights' keys; ``ImageClassifier`` calls it before loading."""
        for key in list(state):
            name = key.removeprefix(prefix)
            if name.startswith('linear.'):
                state[f'{prefix}head.fc.{name.removeprefix("linear.")}'] = state.pop(key)
            elif name.startswith(('conv1.', 'bn1.', 'layer')):
                state[f'{prefix}backbone.{name}'] = state.pop(key)
