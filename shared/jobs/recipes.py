"""Where the recipe lies that applies to an object of the inbox."""

from shared.aws.s3 import S3Store
from shared.errors import NotFound
from shared.jobs.keys import RECIPE
from shared.objects import Source


def nearest_recipe(s3: S3Store, dropped: Source) -> Source | None:
    """Beside it, or in a folder above. Raises Refused where S3 will not say."""
    folder = dropped.key.rpartition("/")[0]
    while folder:
        try:
            return s3.newest(dropped.bucket, f"{folder}/{RECIPE}")
        except NotFound:
            folder = folder.rpartition("/")[0]
    return None
