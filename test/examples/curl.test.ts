/** The shell scripts of examples/, run as a reader would run them. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServiceProcess, startService } from "../../scripts/service-process.ts";
import { Epochd, type JobSpec } from "../../src/client/index.ts";
import { brokerOfTheTests } from "./broker-of-the-tests.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const execute = promisify(execFile);

describe("the example scripts", () => {
  let folder: string;
  let service: ServiceProcess;

  const run = async (script: string, args: readonly string[], env: Record<string, string> = {}) => {
    const options = { env: { ...process.env, EPOCHD_URL: service.url, ...env } };
    return (await execute("sh", [join(EXAMPLES, script), ...args], options)).stdout;
  };
  const idsOf = (events: string) => [...events.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

  const submitted = async ({ layers, epochs }: { layers: JobSpec["model"]["layers"]; epochs: number }) => {
    const spec: JobSpec = {
      model: { layers },
      loss: "CrossEntropyLoss",
      optimizer: { type: "Adam", lr: 0.001 },
      epochs,
      data: { builtin: "moons", samples: 10_000, noise: 0.2 },
    };
    return (await new Epochd({ url: service.url }).train(spec)).id;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "epochd-curl-"));
    service = await startService({ dataDir: folder, env: brokerOfTheTests() });
  });
  afterAll(async () => {
    await service?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("train.sh uploads, trains and shows every event, ending with the finished job", async () => {
    const output = await run("train.sh", ["iris"]);
    expect(output).toMatch(/^dataset ds_\w+\njob job_\w+\n/);
    expect(idsOf(output)).toEqual(idsOf(output).map((_, i) => i + 1));
    expect(output).toContain("event: completed");
    expect(output.trimEnd().split("\n").at(-1)).toContain('"status":"completed"');
  });

  it("follow.sh prints each event once, in order, through connections that break while the job trains", async () => {
    const job = await submitted({
      layers: [{ type: "Linear", out_features: 768 }, { type: "ReLU" }, { type: "Linear", out_features: 2 }],
      epochs: 150,
    });
    const followed = await run("follow.sh", [job], { CONNECTION_S: "0.3" });
    expect(idsOf(followed)).toEqual(idsOf(followed).map((_, i) => i + 1));
    expect(followed).toContain("event: completed");

    const inOneGo = await fetch(`${service.url}/v1/jobs/${job}/events`).then((answer) => answer.text());
    expect(followed).toBe(inOneGo);
  });

  it("follow.sh ends with an error for a job that is not there", async () => {
    await expect(run("follow.sh", ["job_nothing"])).rejects.toThrow(/404/);
  });

  it("mistakes.sh shows every mistake of a spec at once, each with its path", async () => {
    const problem = JSON.parse(await run("mistakes.sh", []));
    expect(problem.status).toBe(422);
    const paths = problem.errors.map(({ path }: { path: string }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(["model.layers[1].type", "model.layers[2].in_features", "optimizer.lr"]),
    );
  });
});
