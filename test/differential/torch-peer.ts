/** The PyTorch of this machine, in a process of its own, that trains specs (scripts/fixtures/parity_peer.py). */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const SCRIPT = fileURLToPath(new URL("../../scripts/fixtures/parity_peer.py", import.meta.url));

/** A loss that is not finite is null. */
const Curve = z.array(z.strictObject({ loss: z.number().nullable(), val_loss: z.number().nullable().optional() }));
export type Curve = z.infer<typeof Curve>;

const Answer = z.union([
  z.strictObject({ float32: Curve, float64: Curve, nearby: z.array(Curve) }),
  z.strictObject({ unsupported: z.string() }),
  z.strictObject({ error: z.string() }),
]);
export type Answer = z.infer<typeof Answer>;

const Hello = z.union([z.strictObject({ torch: z.string() }), z.strictObject({ error: z.string() })]);

export interface TorchPeer {
  readonly version: string;
  /** `nearby`: further runs, disturbed by what float32 rounds off. */
  train(spec: unknown, nearby?: number): Promise<Answer>;
  close(): void;
}

/** Null where `python` can't be started or has no PyTorch. */
export async function startTorchPeer(python: string): Promise<TorchPeer | null> {
  const child = spawn(python, [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
  const failed = new Promise<null>((resolve) => child.once("error", () => resolve(null)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await Promise.race([lines.next(), failed]);
    if (line === null) return { error: `${python} could not be started` };
    if (line.done) throw new Error(`${python} ended without an answer.`);
    return JSON.parse(line.value);
  };
  const hello = Hello.parse(await next());
  if ("error" in hello) return null;
  return {
    version: hello.torch,
    async train(spec, nearby = 0) {
      child.stdin.write(`${JSON.stringify({ spec, nearby })}\n`);
      return Answer.parse(await next());
    },
    close: () => child.stdin.end(),
  };
}
