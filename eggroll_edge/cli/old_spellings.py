"""Former names of options, which are still accepted; --help shows only the present ones."""

OLD_SPELLINGS = {"--bins": "--ticks", "--lesson": "--standalone", "--patience": "--timeout"}


def current_spelling(name: str) -> str:
    """The present name of an option; both names without their dashes."""
    return OLD_SPELLINGS.get(f"--{name}", name).removeprefix("--")
