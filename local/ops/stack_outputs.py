"""What a stack says of itself."""

import boto3


def output_of(session: boto3.Session, stack: str, name: str) -> str:
    """Raises LookupError where the stack has no such output."""
    found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    if name not in outputs:
        raise LookupError(f"the stack {stack} has no output {name}: is its audit log on?")
    return outputs[name]
