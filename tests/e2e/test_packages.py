"""What `sam build` makes of the template: packages that hold what they should and nothing else."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from local.paths import ROOT
from local.world.packages import SAM, SAM_ENVIRONMENT, built_template

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("packages")]

FUNCTIONS = {
    f"functions.{function}.handler": f"{function.capitalize()}Function"
    for function in ("audit", "intake", "land", "poll", "submit", "webhook")
} | {"functions.library.handler": "LibraryFunction"}
OURS = {"functions", "shared"}
ONLY_FOR = {  # what only tables need
    "duckdb": {"IntakeFunction", "LandFunction"},
    "jsonschema_rs": {"IntakeFunction", "LandFunction"},
    "minijinja": {"IntakeFunction"},
}
REQUIREMENT = re.compile(r"(?m)^([\w.-]+)==([^ ]+)")
AARCH64 = 183  # e_machine of an ELF file
IMPORT = """
import importlib, sys
sys.path.insert(0, {package!r})
function = importlib.import_module({module!r})
assert callable(function.handler)
import boto3
for service in ("dynamodb", "events", "s3", "secretsmanager", "sns", "sqs", "ssm"):
    boto3.client(service, region_name="us-east-1")
roots = ({package!r}, sys.base_prefix)
strangers = [m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)]
print([path for path in strangers if not path.startswith(roots)])
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As for Lambda: python3.13 on arm64, whatever this machine is."""
    build = tmp_path_factory.mktemp("build")
    command = [str(SAM), "build", "--build-dir", str(build)]
    environment = os.environ | SAM_ENVIRONMENT | {"PYTHON": sys.executable}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return build


def _is_in(name: str, package: Path) -> bool:
    return package.name in ONLY_FOR.get(name.replace("-", "_"), {package.name})


@pytest.fixture(params=list(FUNCTIONS.values()), ids=list(FUNCTIONS))
def package(packages: Path, request: pytest.FixtureRequest) -> Path:
    return packages / str(request.param)


def test_a_package_holds_functions_shared_and_the_locked_dependencies(package: Path) -> None:
    locked = {_plain(name): version for name, version in REQUIREMENT.findall(_requirements())}
    found = {_plain(each.name): each.version for each in distributions(path=[str(package)])}
    installed = {
        file.parts[0]
        for each in distributions(path=[str(package)])
        for file in each.files or []
        if file.parts[0] != ".."
    }

    assert found == {name: version for name, version in locked.items() if _is_in(name, package)}
    assert {path.name for path in package.iterdir()} <= installed | OURS | {"__pycache__"}


def test_a_package_holds_our_code_and_bytecode_of_the_runtime_alone(package: Path) -> None:
    bytecode = {path.name.split(".")[-2] for path in package.rglob("*.pyc")}

    assert _ours(package) == _ours(ROOT)
    assert bytecode <= {"cpython-313"}


def test_compiled_code_is_for_the_architecture_and_python_of_the_template(package: Path) -> None:
    compiled = list(package.rglob("*.so*"))

    assert compiled
    assert {path.read_bytes()[18] for path in compiled} == {AARCH64}
    assert all(re.search(r"cpython-313-aarch64|abi3", path.name) for path in compiled)


def test_every_function_has_a_package(packages: Path) -> None:
    assert {path.name for path in packages.glob("*Function")} == set(FUNCTIONS.values())


def test_a_package_is_far_from_lambdas_limit(package: Path) -> None:
    size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())

    most = 120_000_000 if _is_in("duckdb", package) else 40_000_000
    assert size < most  # Lambda takes 262,144,000 bytes unpacked; what is big starts slowly


@pytest.mark.parametrize(("module", "function"), FUNCTIONS.items(), ids=FUNCTIONS)
def test_a_function_imports_from_its_package_alone(module: str, function: str) -> None:
    package = str(built_template(print).parent / function)

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT.format(package=package, module=module)],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "[]\n", done.stderr


def _requirements() -> str:
    uv = str(ROOT / ".venvs" / "uv" / "bin" / "uv")
    command = [uv, "export", "--frozen", "--no-dev", "--no-emit-project"]
    return subprocess.check_output(command, cwd=ROOT, text=True)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _ours(root: Path) -> set[Path]:
    files = (path for folder in OURS for path in (root / folder).rglob("*.*"))
    return {path.relative_to(root) for path in files if path.suffix != ".pyc"}


def test_the_bill_of_materials_names_what_a_package_holds(packages: Path, tmp_path: Path) -> None:
    to = tmp_path / "sbom.cdx.json"
    made = subprocess.run(
        ["make", "sbom", f"SBOM={to}", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    bill = json.loads(to.read_text())

    held = {each.name for each in packages.glob("*Function/*.dist-info")}
    named = {(each["name"], each["version"]) for each in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert {f"{n.replace('-', '_').lower()}-{version}.dist-info" for n, version in named} == held
    assert all(each["purl"].startswith("pkg:pypi/") for each in bill["components"])


@pytest.mark.parametrize(
    ("package", "functions"), [*ONLY_FOR.items(), ("msgspec", set(FUNCTIONS.values()))]
)
def test_what_only_tables_need_is_where_tables_are(
    packages: Path, package: str, functions: set[str]
) -> None:
    assert {each.parent.name for each in packages.glob(f"*Function/{package}")} == functions
    assert {each.parent.name for each in packages.glob(f"*Function/{package}-*.dist-info")} == (
        functions
    )
    beside = {each.parent.name for each in packages.glob(f"*Function/_{package}*")}
    assert beside <= functions
