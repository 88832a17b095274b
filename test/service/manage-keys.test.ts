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

test("a key is made for what it may do, for how long and how much", async () => {
  const made = await manageKeys(parts.keys, [
    "create",
    "b",
    ...["--scopes", "read,metrics", "--expires", "30d", "--jobs", "5", "--flops", "1e12"],
  ]);
  const key = await parts.keys.find(made.map((line) => line.trim()).find((line) => line.startsWith("epochd_")) ?? "");
  expect(key).toMatchObject({ scopes: ["read", "metrics"], quota: { jobs: 5, flops: 1e12 } });
  expect(Date.parse(key?.expires_at ?? "") - Date.now()).toBeGreaterThan(29 * 86_400_000);
  const id = key?.id ?? "";
  expect(await manageKeys(parts.keys, ["limit", id, "--jobs", "any", "--bytes", "1e9"])).toEqual([
    `${id}  b  (jobs any; flops 1000000000000; bytes 1000000000)`,
  ]);
  const listed = (await manageKeys(parts.keys, ["list"])).find((line) => line.startsWith(id));
  expect(listed).toMatch(/b {2}\(read,metrics; expires 20\d\d-.*; never used; jobs any; bytes/);
  await expect(manageKeys(parts.keys, ["limit", "key_nothing", "--jobs", "1"])).rejects.toThrow("there is no key");
});

test.each([
  [["create", "a", "--scopes", "all"], /--scopes must be some of read, write, metrics, admin, got "all"/],
  [["create", "a", "--expires", "soon"], /--expires must be days/],
  [["create", "a", "--expires", "2001-01-01"], /--expires must be days/],
  [["create", "a", "--jobs", "-1"], /--jobs/],
  [["create", "a", "--jobs", "many"], /--jobs must be a whole number/],
  [["create", "a", "--jobs", "2.5"], /--jobs must be a whole number.*got "2.5"/],
  [["create", "a", "--bytes", "1e300"], /--bytes must be a whole number/],
  [["limit", "key_x", "--scopes", "read"], /--scopes is of no use here/],
  [["limit", "key_x"], /nothing to limit/],
])("what can't be is told where: %j", async (args, told) => {
  await expect(manageKeys(parts.keys, args)).rejects.toThrow(told);
});

test.each([[[]], [["create"]], [["create", "a", "b"]], [["drop", "a"]], [["list", "all"]], [["list", "--verbose"]]])(
  "anything else is told how it goes: %j",
  async (args) => {
    await expect(manageKeys(parts.keys, args)).rejects.toThrow("npm start -- keys create <name>");
  },
);
