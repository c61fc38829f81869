// cdk-nag's rules on the template that standard input holds: [{"rule", "resource", "text"}] as JSON.
const fs = require("fs");
const os = require("os");
const path = require("path");
const { App, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks, ServerlessChecks } = require("cdk-nag");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "nag-"));
const templateFile = path.join(folder, "template.json");
fs.writeFileSync(templateFile, fs.readFileSync(0));
const app = new App({ outdir: folder });
new CfnInclude(new Stack(app, "Stack"), "Template", { templateFile });
const violations = [new AwsSolutionsChecks(app), new ServerlessChecks(app)].flatMap(
  (pack) => pack.validateScope(app).violations,
);
const found = violations.flatMap(({ ruleName, description, violatingResources }) =>
  violatingResources.map((each) => ({
    rule: ruleName,
    resource: each.constructPath.split("/").pop(),
    text: description,
  })),
);
process.stdout.write(JSON.stringify(found));
fs.rmSync(folder, { recursive: true });
