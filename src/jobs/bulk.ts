/**
 * Data and weights that stand in a spec can be megabytes: they go to the object store, named by their SHA-256, and the job's
 * state keeps that name, so that lists and looks at a job stay fast.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { ObjectStore } from "./object-store.ts";

/** What stands in a spec in place of them. */
const Stored = z.strictObject({ stored_sha256: z.string(), bytes: z.int() });

/** Where a spec may hold much. */
const PLACES = [
  ["data", "inline"],
  ["validation", "inline"],
  ["model", "init", "weights"],
  ["probes", "inputs"],
] as const;

/** Less than this may as well stay, where people see it. */
const LEAST_BYTES = 4096;

const keyOf = (jobId: string, sha256: string): string => `jobs/${jobId}/inline/${sha256}.json`;

/** Stores what is large, and gives the spec that names it. */
export async function storeBulk<Spec extends object>(spec: Spec, jobId: string, store: ObjectStore): Promise<Spec> {
  return replaceParts(spec, async (part) => {
    const bytes = Buffer.from(JSON.stringify(part));
    if (bytes.byteLength < LEAST_BYTES) return part;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    await store.put(keyOf(jobId, sha256), bytes);
    return { stored_sha256: sha256, bytes: bytes.byteLength } satisfies z.infer<typeof Stored>;
  });
}

/** The spec as it was given. Throws ObjectNotFoundError. */
export async function loadBulk<Spec extends object>(spec: Spec, jobId: string, store: ObjectStore): Promise<Spec> {
  return replaceParts(spec, async (part) => {
    const stored = Stored.safeParse(part);
    if (!stored.success) return part;
    const bytes = await store.read(keyOf(jobId, stored.data.stored_sha256));
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  });
}

/** A copy with these parts replaced, where it has them; all else is shared. */
async function replaceParts<Spec extends object>(
  spec: Spec,
  replace: (part: unknown) => Promise<unknown>,
): Promise<Spec> {
  const copy = { ...spec };
  for (const path of PLACES) {
    let holder: object = copy;
    for (const name of path.slice(0, -1)) {
      const inner: unknown = Reflect.get(holder, name);
      if (typeof inner !== "object" || inner === null) break;
      const own = { ...inner };
      Reflect.set(holder, name, own);
      holder = own;
    }
    const last = path.at(-1) ?? "";
    // An array of layers or a split has no such part.
    if (holder !== copy && Object.hasOwn(holder, last))
      Reflect.set(holder, last, await replace(Reflect.get(holder, last)));
  }
  return copy;
}
