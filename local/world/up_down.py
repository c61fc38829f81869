"""`make up` and `make down`: a world that stays up, to look at and to drop files into."""

from contextlib import AbstractContextManager

from local.world import processes
from local.world.packages import built_template
from local.world.stack import (
    ADMIN_KEY_PARAMETER,
    REGION,
    World,
    WorldOptions,
    deploy,
    make_world,
)
from local.world.workspace import STANDING, WORLDS, clear, locked

AUDIT_GUIDE = """
aws s3 ls --recursive s3://{AuditBucketName}/
.venv/bin/batchdrop demo theft            # plays a theft into the audit log
.venv/bin/batchdrop investigate user-owner"""
USUAL_PORT = 4566  # the usual port of a local AWS


def up(real: bool) -> int:
    with _standing_lock():
        world = standing_world()
        if world and world.real != real:
            raise SystemExit("A world with another OpenAI is up; first: make down")
        if world:
            print(f"A world is up at {world.endpoint}")
            world = deploy(STANDING, world, built_template(print), print)
        else:
            world = _new_world(real)
        world.save(STANDING)
        print(_guide(world))
    return 0


def down() -> int:
    with _standing_lock():
        print("The world is down" if STANDING.exists() else "No world is up")
        clear(STANDING)
    return 0


def _standing_lock() -> AbstractContextManager[None]:
    return locked(WORLDS / "standing.lock")


def standing_world() -> World | None:
    """The world that is up, with the stack's outputs."""
    up = processes.is_running(STANDING, "aws") and (STANDING / "world.json").exists()
    return World.load(STANDING) if up else None


def _new_world(real: bool) -> World:
    clear(STANDING)
    STANDING.mkdir(parents=True)
    try:
        return make_world(STANDING, standing_options(real, USUAL_PORT), print)
    except BaseException:
        clear(STANDING)
        raise


def standing_options(real: bool, port: int) -> WorldOptions:
    """With the audit side, and everyday events in it; of OpenAI's own log only its owner knows."""
    if real:
        return WorldOptions(real, port)
    audit = {"OpenAIAdminKeyParameter": ADMIN_KEY_PARAMETER, "AuditFirstDays": "30"}
    return WorldOptions(port=port, openai=("--speed", "10", "--everyday"), parameters=audit)


def _guide(world: World) -> str:
    out = world.outputs
    watched = "" if world.real else AUDIT_GUIDE.format(**out)
    return f"""
export AWS_ENDPOINT_URL={world.endpoint} AWS_DEFAULT_REGION={REGION}
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
aws s3 cp events/sample.jsonl {out["InboxUri"]}
aws s3 ls --recursive s3://{out["DataBucketName"]}/
aws dynamodb scan --table-name {out["LedgerTableName"]}
aws lambda invoke --function-name {out["PollFunctionName"]} /dev/stdout   # polls now{watched}
Logs: {STANDING}    Stop it with: make down"""
