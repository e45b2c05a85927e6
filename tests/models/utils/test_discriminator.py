import torch

from mmdfkd.models.utils import InstanceDiscriminator


def test_embeddings_are_of_unit_length():
    head = InstanceDiscriminator(7, 4)
    features = torch.randn(5, 7)
    hidden = torch.relu(features @ head.hidden.weight.t() + head.hidden.bias)
    raw = hidden @ head.embedding.weight.t() + head.embedding.bias
    torch.testing.assert_close(head(features), raw / raw.pow(2).sum(1, keepdim=True).sqrt())
