"""The wide ResNets of the CIFAR experiments: WRN-40-2, 40-1, 16-2, 16-1."""

from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.registry import MODELS


class PreActivationBlock(nn.Module):
    """BN, ReLU and a 3x3 convolution, twice, and a shortcut (Zagoruyko et al., figure 1c).

    Where the number of channels changes, the shortcut is a 1x1 convolution of the
    activated input; else it is the input itself.

    Args:
        in_channels: channels of the input.
        channels: channels of the output.
        stride: of the first convolution and the shortcut.
    """

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.shortcut = (
            nn.Conv2d(in_channels, channels, 1, stride, bias=False)
            if in_channels != channels
            else None
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to (N, C, H / stride, W / stride)."""
        activated = F.relu(self.bn1(maps))
        residual = self.conv2(F.relu(self.bn2(self.conv1(activated))))
        return residual + (self.shortcut(activated) if self.shortcut else maps)


@MODELS.register_module()
class WideResNet(BaseBackbone):
    """Wide ResNet for 32x32 images (Zagoruyko & Komodakis, BMVC 2016, table 1), no dropout.

    Gives pooled features (N, 64 * widen) for a ``LinearClsHead``. Inside mmpretrain's
    ``ImageClassifier`` it also reads weights of the common PyTorch code, as those of
    CMI's, Fast's and NAYER's teachers (keys ``block1.layer.0.convShortcut.weight`` ...).

    Args:
        depth: 6n + 4, e.g. 16 or 40.
        widen: factor k of the stages' 16, 32 and 64 channels.

    Raises:
        ValueError: if ``depth`` is not of that form or ``widen`` is less than 1.
    """

    def __init__(self, depth: int = 40, widen: int = 2) -> None:
        super().__init__()
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(f'depth should be 6n + 4 (16, 22, 28, 40, ...), but got {depth}')
        if widen < 1:
            raise ValueError(f'widen should be at least 1, but got {widen}')
        blocks = (depth - 4) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.block1 = self._stage(16, 16 * widen, blocks, stride=1)
        self.block2 = self._stage(16 * widen, 32 * widen, blocks, stride=2)
        self.block3 = self._stage(32 * widen, 64 * widen, blocks, stride=2)
        self.bn1 = nn.BatchNorm2d(64 * widen)

    @staticmethod
    def _stage(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
        first = PreActivationBlock(in_channels, channels, stride)
        others = (PreActivationBlock(channels, channels, 1) for _ in range(blocks - 1))
        return nn.Sequential(first, *others)

    def init_weights(self) -> None:
        """He initialisation by fan-out, as in the paper's code."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')

    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        """Return the pooled features of normalised images (N, 3, H, W) as a tuple of one."""
        maps = self.block3(self.block2(self.block1(self.conv1(inputs))))
        return (F.relu(self.bn1(maps)).mean((2, 3)),)

    @staticmethod
    def _checkpoint_filter(state: dict, prefix: str, *_: object) -> None:
        """Rename the common code's keys; ``ImageClassifier`` calls it before loading."""
        for key in list(state):
            name = key.removeprefix(prefix)
            if name.startswith('fc.'):
                state[f'{prefix}head.{name}'] = state.pop(key)
            elif name.startswith(('conv1.', 'bn1.', 'block')):
                name = name.replace('.layer.', '.').replace('.convShortcut.', '.shortcut.')
                state[f'{prefix}backbone.{name}'] = state.pop(key)
