/** The configuration: its defaults, and one clear line for each wrong value. */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig, refuseOpenHost } from "../src/config.ts";

describe("the configuration", () => {
  test("has a default for everything", () => {
    expect(readConfig({})).toMatchObject({
      port: 3000,
      host: "127.0.0.1",
      dataDir: resolve("data"),
      redisUrl: undefined,
      broker: "auto",
      logLevel: "info",
      namespace: "epochd",
    });
  });

  test("shares the cores among the jobs that train at once", () => {
    expect(readConfig({ CONCURRENCY: "1" }).engineThreads).toBe(Math.min(64, availableParallelism()));
    expect(readConfig({ CONCURRENCY: "256" }).engineThreads).toBe(
      Math.max(1, Math.floor(availableParallelism() / 256)),
    );
    expect(readConfig({ CONCURRENCY: "256", ENGINE_THREADS: "3" }).engineThreads).toBe(3);
  });

  test("takes an empty variable as one that is not set", () => {
    expect(readConfig({ PORT: "", REDIS_URL: "" })).toMatchObject({ port: 3000, redisUrl: undefined });
  });

  test.each([
    ["PORT", "http", 'PORT must be a port number, 0 to 65535 (0: any free one), got "http"'],
    ["PORT", "70000", 'PORT must be a port number, 0 to 65535 (0: any free one), got "70000"'],
    ["CONCURRENCY", "0", 'CONCURRENCY must be how many jobs a worker trains at once, 1 to 256, got "0"'],
    ["ENGINE_THREADS", "65", 'ENGINE_THREADS must be how many threads share the work of one job, 1 to 64, got "65"'],
    ["LOG_LEVEL", "loud", 'LOG_LEVEL must be one of silent, fatal, error, warn, info, debug, trace, got "loud"'],
    ["BROKER", "kafka", 'BROKER must be one of auto, server, embedded, got "kafka"'],
  ])("names a wrong %s (%s)", (name, value, message) => {
    expect(() => readConfig({ [name]: value })).toThrow(message);
  });

  test("does not repeat a REDIS_URL, which may hold a password", () => {
    expect(() => readConfig({ REDIS_URL: "http://:secret@host" })).toThrow(/^REDIS_URL must be .* got something else$/);
  });

  test.each([
    [{ S3_ENDPOINT: "http://minio:9000" }, /^S3_ENDPOINT is set, but S3_BUCKET is not/],
    [{ S3_BUCKET: "models", S3_ACCESS_KEY_ID: "a" }, /^S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY belong together/],
    [{ S3_BUCKET: "Models" }, /^S3_BUCKET must be a bucket .* got "Models"$/],
    [{ S3_BUCKET: "models", S3_PREFIX: "../x/" }, /^S3_PREFIX must be /],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" }, /^OTEL_EXPORTER_OTLP_ENDPOINT must be the URL of /],
  ])("refuses what does not fit together: %j", (env, message) => {
    expect(() => readConfig(env)).toThrow(message);
  });

  test("names the bucket in the path where an endpoint is given, as most servers want it", () => {
    expect(readConfig({ S3_BUCKET: "models" }).s3).toMatchObject({ pathStyle: false, credentials: undefined });
    const env = { S3_BUCKET: "models", S3_ENDPOINT: "http://minio:9000" };
    expect(readConfig(env).s3?.pathStyle).toBe(true);
    expect(readConfig({ ...env, S3_PATH_STYLE: "0" }).s3?.pathStyle).toBe(false);
  });

  test("names all wrong values in one line", () => {
    expect(() => readConfig({ PORT: "x", BROKER: "y" })).toThrow(/^PORT .*; BROKER .*$/);
  });
});

describe("a host that others can reach", () => {
  test.each(["0.0.0.0", "::", "192.168.1.5", "example.org"])("is refused without API keys: %s", (HOST) => {
    expect(() => refuseOpenHost(readConfig({ HOST }))).toThrow(/no API keys .* ALLOW_OPEN=1/);
    expect(() => refuseOpenHost(readConfig({ HOST, ALLOW_OPEN: "1" }))).not.toThrow();
  });

  test.each(["127.0.0.1", "localhost", "::1", "127.0.0.53"])("is not the loopback: %s", (HOST) => {
    expect(() => refuseOpenHost(readConfig({ HOST }))).not.toThrow();
  });
});
