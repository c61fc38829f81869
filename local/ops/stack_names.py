"""Whether every service takes the names that come from a stack's name: asked before deploying."""

LONGEST = 29  # characters; <name>-inbox-<account>-<region> is a bucket, with 63 at most
LONGEST_REGION = 14
OF_S3 = ("xn--", "sthree-", "amzn-s3-demo-")  # no bucket may begin like this


def problems(name: str, region: str = "") -> list[str]:
    """What is wrong with it, a line each; none, if nothing is."""
    longest = LONGEST - max(len(region) - LONGEST_REGION, 0)
    plain = name.replace("-", "")
    checks = (
        (not name, "is empty"),
        (name != name.lower(), "has capital letters, and names of buckets have none"),
        (not (plain.isascii() and plain.isalnum()), "has more than letters, digits and hyphens"),
        (not name[:1].isalpha(), "begins with a letter in CloudFormation, and this one does not"),
        (name.endswith("-"), "ends with a hyphen"),
        (name.startswith(OF_S3), "begins as S3 lets no bucket begin"),
        (len(name) > longest, f"is longer than {longest} characters: buckets have 63 at most"),
    )
    return [f"the stack's name {name!r} {said}" for is_wrong, said in checks if is_wrong]
