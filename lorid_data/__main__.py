"""`python -m lorid_data` is `lorid-data`."""

import sys

from lorid_data.cli.app import main

sys.exit(main())
