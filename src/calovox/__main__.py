"""`python -m calovox`: the program, also where it is not on the path."""

from calovox.cli import main

if __name__ == "__main__":
    main()
