"""Networks that read a clip picture by picture and remember: a CNN, then a recurrent layer over time.

Both see each picture with YOLO11n's backbone, so both can start from a detector's weights, as the
papers start from ImageNet's.
"""

from __future__ import annotations

import torch
from torch import nn

from classify.networks.blocks import pictures
from ground.compute.yolo11n import yolo11n_backbone

_CHANNELS = 256
"""That the spatial half makes of a picture, at 1/32 of its size."""


class _PictureByPicture(nn.Module):
    """The spatial half: every picture of every clip on its own."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = yolo11n_backbone()

    def see(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> (N, T, 256, H / 32, W / 32)."""
        clips, frames = x.shape[0], x.shape[2]
        x = pictures(x)
        for stage in self.spatial:
            x = stage(x)
        return x.unflatten(0, (clips, frames))


class Lrcn(_PictureByPicture):
    """CNN and LSTM (Donahue et al., Long-term Recurrent Convolutional Networks, CVPR 2015).

    The paper averages what the network says after each picture; here the averaging comes just before the last, linear
    layer, which averages the logits instead of the probabilities and leaves one embedding per clip.
    """

    def __init__(self, num_classes: int, hidden: int = 256, dropout: float = 0.3) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(_CHANNELS)
        self.temporal = nn.LSTM(_CHANNELS, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(hidden, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> logits (N, num_classes)."""
        states, _ = self.temporal(self.norm(self.see(x).mean((3, 4))))
        return self.fc(self.dropout(states.mean(1)))


class ConvLstmCell(nn.Module):
    """One layer of Shi et al., Convolutional LSTM Network, NIPS 2015, equation 3.

    The peepholes (what the gates see of the memory) are one weight per channel, not one per place, so that pictures
    may have any size.
    """

    def __init__(self, channels_in: int, hidden: int, kernel: int = 3) -> None:
        super().__init__()
        self.gates = nn.Conv2d(channels_in + hidden, 4 * hidden, kernel, padding=kernel // 2)
        self.peephole = nn.Parameter(torch.zeros(3, hidden, 1, 1))
        self.hidden = hidden

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, T, I, H, W) -> what the layer says after each picture, (N, T, O, H, W)."""
        clips, frames, _, height, width = pictures.shape
        output = memory = pictures.new_zeros(clips, self.hidden, height, width)
        outputs: list[torch.Tensor] = []
        for t in range(frames):
            take, keep, new, show = self.gates(torch.cat([pictures[:, t], output], 1)).chunk(4, 1)
            take = torch.sigmoid(take + self.peephole[0] * memory)
            keep = torch.sigmoid(keep + self.peephole[1] * memory)
            memory = keep * memory + take * torch.tanh(new)
            output = torch.sigmoid(show + self.peephole[2] * memory) * torch.tanh(memory)
            outputs.append(output)
        return torch.stack(outputs, 1)


class ConvLstm(_PictureByPicture):
    """CNN, then two convolutional LSTM layers that keep where things are; pooled over places and time."""

    def __init__(self, num_classes: int, hidden: int = 128, dropout: float = 0.3) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, _CHANNELS)
        self.temporal = nn.Sequential(ConvLstmCell(_CHANNELS, hidden), ConvLstmCell(hidden, hidden))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(hidden, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> logits (N, num_classes)."""
        seen = self.see(x)
        states = self.temporal(self.norm(seen.flatten(0, 1)).unflatten(0, seen.shape[:2]))
        return self.fc(self.dropout(states.mean((1, 3, 4))))
