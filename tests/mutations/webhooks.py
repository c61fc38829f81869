"""Mistakes in what is called by OpenAI, and in what follows from it."""

from tests.mutations.row import in_file

SIGNATURE = "tests/unit/webhook"
WEBHOOKS = "tests/integration/webhook"

ROWS = (
    *in_file(
        "functions/webhook/signature.py",
        SIGNATURE,
        (
            ("<= TOLERANCE", "<= 10**9", "an old webhook can be sent again by a stranger"),
            ('f"{headers[ID]}.', 'f".', "an id can be changed"),
            ("or not _is_text(body)", "", "what the official client refuses is taken"),
            ("header.split()", 'header.split(";")', "a rotated secret is refused"),
            (
                "return base64.b64decode(secret.removeprefix(PREFIX))",
                "return secret.encode()",
                "nothing of OpenAI's is taken",
            ),
        ),
    ),
    *in_file(
        "functions/webhook/flow.py",
        WEBHOOKS,
        (
            ("len(webhook.body) > LONGEST or ", "", "a stranger's megabytes are hashed"),
            (
                "if self._reread_at and now - self._reread_at < REREAD:",
                "if False:",
                "strangers read Parameter Store at our cost",
            ),
            ("        self._edges.signing_secret.forget()\n", "", "a new secret counts late"),
            (
                '    _keep(edges, webhook)\n    return "unknown"',
                '    return "unknown"',
                "it is lost",
            ),
            ("event.type in BATCH_ENDED and ", "", "every event is a look"),
        ),
    ),
    *in_file(
        "functions/land/look.py",
        WEBHOOKS,
        (
            ("    except Refused:  # in", "    except OverflowError:  # in", "a batch is lost"),
            (
                "            admit_waiting(edges, edges.ledger.capacity(part.model))\n",
                "            pass\n",
                "what waits for capacity waits for poll",
            ),
            ("if ref.looks < MOST_LOOKS:", "if True:", "a batch is looked at for ever"),
            (
                "        return _look_again(edges, ref)\n",
                '        return "runs"\n',
                "it waits for poll",
            ),
        ),
    ),
    *in_file(
        "functions/webhook/handler.py",
        "tests/integration/test_handlers.py -k webhook",
        (('{"stranger": 401}', '{"stranger": 200}', "a stranger is made welcome"),),
    ),
    *in_file(
        "functions/poll/handler.py",
        "tests/integration/test_handlers.py -k slower",
        (
            (
                "timedelta(minutes=edges().settings.poll_every_minutes)",
                "timedelta(minutes=1)",
                "a tick of a slow clock is skipped",
            ),
        ),
    ),
)
