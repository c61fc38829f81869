"""What AWS makes of the template: SAM's resources as CloudFormation's, in sam's own environment."""

import json
import subprocess
from typing import Any

from local.template import read_template
from local.world.packages import SAM

CODE = "s3://bucket/key"  # the transformation wants an address, not a folder
PROGRAM = """
import json, sys, boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
template, region = json.load(sys.stdin)
translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=region))
json.dump(translator.translate(template, {}), sys.stdout)
"""


def transformed(region: str = "eu-central-1") -> Any:
    """The template as CloudFormation gets it. Raises CalledProcessError where SAM refuses it."""
    template = read_template()
    template["Globals"]["Function"]["CodeUri"] = CODE
    run = subprocess.run(
        [SAM.with_name("python"), "-c", PROGRAM],
        input=json.dumps([template, region]),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)
