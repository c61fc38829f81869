// The official client for Node: upload, create, wait, download.
import OpenAI, { toFile } from "openai";

const client = new OpenAI();
const lines = Array.from({ length: 100 }, (_, number) =>
  JSON.stringify({
    custom_id: `r${number}`,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "gpt-5-mini", messages: [{ role: "user", content: `Question ${number}` }] },
  }),
);
const file = await client.files.create({
  file: await toFile(Buffer.from(lines.join("\n")), "requests.jsonl"),
  purpose: "batch",
});
let batch = await client.batches.create({
  input_file_id: file.id,
  endpoint: "/v1/chat/completions",
  completion_window: "24h",
});
while (!["completed", "failed", "expired", "cancelled"].includes(batch.status)) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  batch = await client.batches.retrieve(batch.id);
}
const text = await (await client.files.content(batch.output_file_id)).text();
const answers = text.trim().split("\n").map((line) => JSON.parse(line).response.body);
console.log(JSON.stringify({ answered: answers.filter((each) => each.choices[0].message.content).length }));
