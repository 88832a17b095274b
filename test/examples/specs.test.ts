/** Every spec in examples/specs, trained by the real service: what the README promises, it keeps. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type ServiceProcess, startService } from "../../scripts/service-process.ts";
import { Epochd, type EpochEvent } from "../../src/client/index.ts";
import { brokerOfTheTests } from "./broker-of-the-tests.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

/** What the last epoch must reach; the numbers leave room for another initialisation, not for a worse model. */
const bounds: Record<string, { loss: number; accuracy?: number; r2?: number }> = {
  votes: { loss: 0.2, accuracy: 0.95 },
  iris: { loss: 0.1, accuracy: 0.9 },
  digits: { loss: 0.45, accuracy: 0.95 },
  "breast-cancer": { loss: 0.1, accuracy: 0.95 },
  diabetes: { loss: 3100, r2: 0.45 },
  letters: { loss: 0.1, accuracy: 0.95 },
  xor: { loss: 0.01, accuracy: 1 },
};

const Spec = z.looseObject({ metadata: z.object({ csv: z.string() }).optional() });

describe("the example specs", () => {
  let folder: string;
  let service: ServiceProcess;
  let client: Epochd;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "epochd-examples-"));
    service = await startService({ dataDir: folder, env: brokerOfTheTests() });
    client = new Epochd({ url: service.url });
  });
  afterAll(async () => {
    await service?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("are all listed here", async () => {
    const files = await readdir(join(EXAMPLES, "specs"));
    expect(files.sort()).toEqual(
      Object.keys(bounds)
        .map((name) => `${name}.json`)
        .sort(),
    );
  });

  it.each(Object.entries(bounds))("%s trains to a good model", async (name, bound) => {
    const text = await readFile(join(EXAMPLES, "specs", `${name}.json`), "utf8");
    const csv = Spec.parse(JSON.parse(text)).metadata?.csv;
    const dataset = csv ? await upload(csv) : "";
    const run = await client.train(JSON.parse(text.replace("$DATASET_ID", dataset)));

    const epochs: EpochEvent[] = [];
    let last = "";
    for await (const event of run.events()) {
      last = event.event;
      if (event.event === "epoch") epochs.push(event);
    }
    expect(last).toBe("completed");
    expect(epochs.map(({ epoch }) => epoch)).toEqual(epochs.map((_, i) => i + 1));

    const final = epochs.at(-1);
    const metrics = final?.val_metrics ?? final?.metrics ?? {};
    expect(final?.loss).toBeLessThan(bound.loss);
    if (bound.accuracy !== undefined) expect(metrics["accuracy"]).toBeGreaterThanOrEqual(bound.accuracy);
    if (bound.r2 !== undefined) expect(metrics["r2"]).toBeGreaterThan(bound.r2);
  });

  async function upload(csv: string): Promise<string> {
    const bytes = await readFile(join(EXAMPLES, "data", csv));
    return (await client.upload(bytes, { type: "text/csv" })).id;
  }
});
