"""Starts moto with one of its faults taken out.

Whether `DescribeServices` and `DescribeClusters` answer with tags, moto 5.2.5 keeps in one place for all requests: whoever asks without
them at the same time takes them from the answer of everybody else, in any account. Here each request has its own place.
"""

import sys

from moto.core.responses import BaseResponse
from moto.server import main

inherited = BaseResponse.__init__


def init(self, *args, **kwargs):
    inherited(self, *args, **kwargs)
    self.RESPONSE_KEY_PATH_TO_TRANSFORMER = dict(self.RESPONSE_KEY_PATH_TO_TRANSFORMER)


BaseResponse.__init__ = init
sys.exit(main())
