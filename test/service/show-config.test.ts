/** `epochd config`: what every part would read, in a form that can be read back, without secrets. */
import { parseEnv } from "node:util";
import { describe, expect, test } from "vitest";
import { Environment, readConfig } from "../../src/config.ts";
import { showConfig } from "../../src/service/show-config.ts";
import { run } from "../process-fixture.ts";

const secrets = {
  REDIS_URL: "redis://me:hunter2@example.org:6380/1",
  WEBHOOK_SECRET: "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==",
  S3_BUCKET: "models",
  S3_ENDPOINT: "http://someone:hunter2@minio:9000/",
  S3_ACCESS_KEY_ID: "id",
  S3_SECRET_ACCESS_KEY: "hunter2",
};

describe("the configuration is shown", () => {
  test("with every variable, what it means, and whether it is set", () => {
    const shown = showConfig({ PORT: "4000", HOST: "" });
    for (const name of Object.keys(Environment.shape)) expect(shown).toMatch(new RegExp(`^${name}=`, "m"));
    expect(shown).toMatch(/^PORT=4000 +# set: {5}a port number, 0 to 65535/m);
    expect(shown).toMatch(/^HOST=127\.0\.0\.1 +# default: an address/m);
  });

  test.each([
    ["RATE_LIMIT=0", {}],
    ["RATE_LIMIT=6000", { API_KEYS_REQUIRED: "1" }],
    ["RATE_LIMIT=5", { API_KEYS_REQUIRED: "1", RATE_LIMIT: "5" }],
    ["ENGINE_THREADS=3", { ENGINE_THREADS: "3" }],
    ["S3_PATH_STYLE=", {}],
    ["S3_PATH_STYLE=0", { S3_BUCKET: "models" }],
    ["S3_PATH_STYLE=1", { S3_BUCKET: "models", S3_ENDPOINT: "http://minio:9000/" }],
  ])("with what follows from the others: %s", (line, env) => {
    expect(showConfig(env).split("\n")).toContainEqual(expect.stringMatching(new RegExp(`^${line} `)));
    expect(readConfig(parseEnv(showConfig(env)))).toEqual(readConfig(env));
  });

  test("so that it reads back as the same", () => {
    const env = { PORT: "4000", DATA_DIR: "/a folder/with spaces", CONCURRENCY: "3" };
    expect(readConfig(parseEnv(showConfig(env)))).toEqual(readConfig(env));
  });

  test("without its secrets", () => {
    const shown = showConfig(secrets);
    expect(shown).not.toMatch(/hunter2|aHVudGVy/);
    expect(shown).toMatch("REDIS_URL=redis://me:***@example.org:6380/1");
    expect(shown).toMatch(/^WEBHOOK_SECRET=\*\*\* /m);
    expect(shown).toMatch("S3_ENDPOINT=http://someone:***@minio:9000/");
  });

  test("by the program, which ends with one line for a wrong value", async () => {
    const right = run(["config"], { PORT: "4001" });
    expect(await right.ended).toBe(0);
    expect(right.output()).toMatch(/^PORT=4001 /);
    const wrong = run(["config"], { PORT: "many" });
    expect(await wrong.ended).toBe(1);
    expect(wrong.output()).toMatch(/^epochd can't start: PORT must be a port number.*\n$/);
  });
});
