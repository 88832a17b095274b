import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { secretPath, webhookSecret } from "../../../src/workers/webhooks/webhook-secret.ts";

test("the secret is made once, for its owner's eyes alone, unless one is configured", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "epochd-secret-"));
  const made = await Promise.all(Array.from({ length: 8 }, () => webhookSecret({ webhookSecret: undefined, dataDir })));
  expect(new Set(made).size).toBe(1);
  expect(made[0]).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect((await stat(secretPath(dataDir))).mode & 0o777).toBe(0o600);
  expect(await webhookSecret({ webhookSecret: "whsec_given", dataDir })).toBe("whsec_given");
  await rm(dataDir, { recursive: true });
});
