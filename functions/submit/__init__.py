# Before pydantic: after it, this would load models of every event that AWS has.
import aws_lambda_powertools.utilities.batch  # noqa: F401
