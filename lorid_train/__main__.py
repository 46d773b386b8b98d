"""`python -m lorid_train`, as `accelerate launch -m lorid_train sft …` starts it."""

from lorid_train.cli import main

if __name__ == "__main__":
    main()
