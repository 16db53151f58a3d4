"""Entry point of `songsmith` and `python -m songsmith`. Holds no logic of its own."""


def main() -> None:
    """Run the command line."""
    from songsmith.cli.app import app

    app(prog_name="songsmith")


if __name__ == "__main__":
    main()
