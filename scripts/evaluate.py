"""`make evaluate`: how well Lantern hears, on messages that it never learned.

Prints a summary and writes results/evaluation.json and results/evaluation.html. Sets of other
people's sentences, kept beside the checkout and never in it, are measured where LANTERN_EVAL_DIR
(default: ../shared/eval) holds them; LANTERN_EVALUATE_QUICK=1 leaves out the baseline that takes
minutes to train.
"""

from __future__ import annotations

import sys

from scripts.evaluation.run import main

if __name__ == "__main__":
    sys.exit(main())
