"""Numbers that an option takes."""

from __future__ import annotations

import math
from typing import Annotated

from cyclopts import Parameter, validators

Positive = Annotated[int, Parameter(validator=validators.Number(gte=1))]
Natural = Annotated[int, Parameter(validator=validators.Number(gte=0))]
Finite = Annotated[float, Parameter(validator=validators.Number(gt=0, lt=math.inf))]
