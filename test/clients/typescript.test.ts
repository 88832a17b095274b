/** `epochd/client` as others get it: built, installed beside their own code, type-checked and run there. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildClient } from "../../scripts/build-client.ts";
import { nodes } from "../bin/nodes.ts";
import { startServiceForClients } from "../client/service-of-the-tests.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const execute = promisify(execFile);

const PROGRAM = `
import { Epochd, JobEndedError, ProblemError, type EpochEvent, type JobSpec } from "epochd/client";

const client = new Epochd({ url: process.argv[2] ?? "" });
const spec: JobSpec = {
  model: { layers: [{ type: "Linear", out_features: 8 }, { type: "ReLU" }, { type: "Linear", out_features: 3 }] },
  loss: { type: "CrossEntropyLoss", label_smoothing: 0.1 },
  optimizer: { type: "Adam", lr: 0.05 },
  epochs: 3,
  data: { builtin: "iris" },
};
const run = await client.train(spec);
const losses: EpochEvent["loss"][] = [];
for await (const event of run.events()) {
  switch (event.event) {
    case "epoch":
      losses.push(event.loss);
      break;
    case "failed":
      throw new Error(event.error.detail);
  }
}
const { labels = [] } = await run.predict([[5.1, 3.5, 1.4, 0.2]]);
const refused: unknown = await client.train({ ...spec, epochs: 0 }).catch((error: unknown) => error);
console.log(JSON.stringify({
  losses: losses.length,
  labels: labels.length,
  refused: refused instanceof ProblemError && !(refused instanceof JobEndedError) ? refused.problem : String(refused),
}));

export async function mistakes(): Promise<void> {
  // @ts-expect-error a layer has the arguments of its type
  spec.model = { layers: [{ type: "Linear", out_featurs: 8 }] };
  // @ts-expect-error there is no such loss
  spec.loss = "CrossEntropy";
  // @ts-expect-error an event has the fields of its type
  for await (const event of run.events()) if (event.event === "queued") console.log(event.loss);
}
`;

let folder: string;
let service: Awaited<ReturnType<typeof startServiceForClients>>;

beforeAll(async () => {
  await buildClient();
  folder = await mkdtemp(join(tmpdir(), "epochd-consumer-"));
  const installed = join(folder, "node_modules", "epochd");
  await mkdir(installed, { recursive: true });
  await cp(join(root, "build/client"), join(installed, "build/client"), { recursive: true });
  await cp(join(root, "package.json"), join(installed, "package.json"));
  const parser = join("node_modules", "eventsource-parser");
  await cp(join(root, parser), join(folder, parser), { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(folder, "program.ts"), PROGRAM);
  service = await startServiceForClients();
}, 120_000);
afterAll(async () => {
  await service?.close();
  await rm(folder, { recursive: true, force: true });
});

test("type-checks strictly, with the words of the contract, and knows nothing of Node", async () => {
  await writeFile(join(folder, "globals.d.ts"), "declare const process: { argv: string[] };\n");
  const options = {
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
    ...{ module: "nodenext", target: "es2022", lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable"], types: [] },
    ...{ rootDir: ".", outDir: "out" },
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
  const tsc = execute(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--project", folder]);
  await tsc.catch((error: { stdout: string }) => expect.unreachable(error.stdout));
});

describe.each(nodes)("on $name", ({ path }) => {
  test.skipIf(path === undefined)("trains, listens and asks", async () => {
    const { stdout } = await execute(path ?? "", [join(folder, "out/program.js"), service.url]);
    expect(JSON.parse(stdout)).toEqual({ losses: 3, labels: 1, refused: "invalid-spec" });
  });
});
