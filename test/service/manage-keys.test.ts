/** The command that makes, lists and revokes API keys. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { manageKeys } from "../../src/service/manage-keys.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";

let broker: BrokerFixture;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  parts = await broker.parts();
});
afterAll(() => broker.close());

test("a key is shown once, listed without its secret, and revoked by its id", async () => {
  const made = await manageKeys(parts.keys, ["create", "team a"]);
  const secret = made.map((line) => line.trim()).find((line) => line.startsWith("epochd_"));
  const key = await parts.keys.find(secret ?? "");
  expect(made[0]).toBe(`${key?.id}  team a`);
  const listed = (await manageKeys(parts.keys, ["list"])).join("\n");
  expect(listed).toContain(`${key?.id}`);
  expect(listed).not.toContain(secret);
  await manageKeys(parts.keys, ["revoke", key?.id ?? ""]);
  expect(await parts.keys.find(secret ?? "")).toBeNull();
  await expect(manageKeys(parts.keys, ["revoke", "key_nothing"])).rejects.toThrow("there is no key key_nothing");
});

test.each([[[]], [["create"]], [["create", "a", "b"]], [["drop", "a"]], [["list", "all"]]])(
  "anything else is told how it goes: %j",
  async (args) => {
    await expect(manageKeys(parts.keys, args)).rejects.toThrow("npm start -- keys create <name>");
  },
);
