/** The shell scripts of examples/, run as a reader would run them. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServiceProcess, startService } from "../../scripts/service-process.ts";
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

  it("follow.sh prints each event once, however often the connection breaks", async () => {
    const trained = await run("train.sh", ["xor"]);
    const job = trained.match(/^job (job_\w+)$/m)?.[1] ?? "";
    const followed = await run("follow.sh", [job]);
    expect(idsOf(followed)).toEqual(idsOf(trained));
    expect(followed.match(/^data: .*$/gm)).toEqual(trained.match(/^data: .*$/gm));
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
