"""As much of CloudFormation as tells what a stack would hold: conditions, names, references."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NOTHING = {"Ref": "AWS::NoValue"}
_IN_TEXT = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class Stack:
    """A template with the parameters of one stack."""

    template: Mapping[str, Any]
    name: str = "batchdrop"
    region: str = "eu-central-1"
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def resources(self) -> dict[str, Any]:
        """Those that there would be."""
        return {
            name: each
            for name, each in self.template["Resources"].items()
            if "Condition" not in each or self.holds(each["Condition"])
        }

    def holds(self, condition: str) -> bool:
        return self._is_true(self.template["Conditions"][condition])

    def _is_true(self, rule: Any) -> bool:
        ((kind, given),) = rule.items()
        match kind:
            case "Fn::Equals":
                first, second = map(self.value, given)
                return str(first) == str(second)
            case "Fn::Not":
                return not self._is_true(given[0])
            case "Fn::And":
                return all(map(self._is_true, given))
            case "Fn::Or":
                return any(map(self._is_true, given))
            case "Condition":
                return self.holds(given)
        raise ValueError(f"no condition: {kind}")

    def value(self, given: Any) -> Any:
        """Resolved as far as it can be before there is a stack; a reference stays one."""
        if isinstance(given, list):
            return [self.value(each) for each in given if each != NOTHING]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            ((kind, inner),) = given.items()
            if kind == "Ref":
                return self._known(inner, given)
            if kind.startswith("Fn::"):
                return self._function(kind, inner)
        found = {name: self.value(each) for name, each in given.items()}
        return {name: each for name, each in found.items() if each != NOTHING}

    def _known(self, name: str, otherwise: Any) -> Any:
        pseudo = {
            "AWS::StackName": self.name,
            "AWS::Region": self.region,
            "AWS::AccountId": "123456789012",
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.template["Parameters"]:
            default = self.template["Parameters"][name].get("Default", "")
            return self.parameters.get(name, default)
        return otherwise

    def _function(self, kind: str, inner: Any) -> Any:
        match kind:
            case "Fn::If":
                name, yes, no = inner
                return self.value(yes if self.holds(name) else no)
            case "Fn::Sub":
                text, more = inner if isinstance(inner, list) else (inner, {})
                own = {name: self.value(each) for name, each in more.items()}
                return self._text(text, own)
            case "Fn::Join":
                separator, parts = inner
                return separator.join(map(str, self.value(parts)))
            case "Fn::Split":
                return str(self.value(inner[1])).split(inner[0])
            case "Fn::FindInMap":
                table, first, second = map(self.value, inner)
                return self.template["Mappings"][table][str(first)][second]
        return {kind: self.value(inner)}

    def _text(self, text: str, own: Mapping[str, Any]) -> Any:
        def found(match: re.Match[str]) -> str:
            name = match[1]
            known = own.get(name) or self._known(name, None)
            return match[0] if known is None else str(known)

        return _IN_TEXT.sub(found, text)

    def references(self) -> Iterator[tuple[str, str]]:
        """Which resource, as it would be, names which other."""
        for name, each in self.resources.items():
            depends = each.get("DependsOn", [])
            for other in [depends] if isinstance(depends, str) else depends:
                yield name, other
            for other in _named(self.value(each.get("Properties", {}))):
                yield name, other
        for name, each in self.template["Outputs"].items():
            if "Condition" not in each or self.holds(each["Condition"]):
                for other in _named(self.value(each["Value"])):
                    yield f"output {name}", other


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _named(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name == "Ref":
                yield each
            elif name == "Fn::GetAtt":
                yield each[0]
            else:
                yield from _named(each)
    elif isinstance(value, str):
        yield from (each.split(".")[0] for each in _IN_TEXT.findall(value))
