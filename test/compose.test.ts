/** docker-compose.yml, as far as it can be checked without Docker: it says what the service understands. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { Environment, readConfig } from "../src/config.ts";

const Service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  ports: z.array(z.string()).default([]),
});
const Compose = z.object({
  name: z.string(),
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
});

const text = readFileSync(new URL("../docker-compose.yml", import.meta.url), "utf8");
const { services, volumes } = Compose.loose().parse(parse(text, { merge: true }));
const own = Object.entries(services).filter(([, { image }]) => image === "epochd");

/** As `docker compose` fills in what the environment does not have. */
const filled = (environment: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, value.replace(/\$\{\w+:-(.*?)\}/, "$1")]),
  );

test("runs one API and any number of workers, by themselves", () => {
  expect(own.map(([name, { command }]) => [name, command])).toEqual([
    ["api", ["--api"]],
    ["worker", ["--worker"]],
  ]);
});

test.each(own)("sets variables of %s that exist, to values that are right", (_name, { environment }) => {
  for (const name of Object.keys(environment)) expect(Object.keys(Environment.shape)).toContain(name);
  const config = readConfig(filled(environment));
  expect(config.redisUrl).toBe("redis://redis:6379");
  expect(config.s3).toMatchObject({ bucket: "epochd", endpoint: "http://minio:9000", pathStyle: true });
});

test("has Redis append every write to a file, and lose none", () => {
  const command = services["redis"]?.command.join(" ");
  expect(command).toMatch("--appendonly yes");
  expect(command).toMatch("--maxmemory-policy noeviction");
});

test("names only volumes and services that it has", () => {
  for (const service of Object.values(services)) {
    for (const mount of service.volumes) expect(Object.keys(volumes)).toContain(mount.split(":")[0]);
    for (const other of Object.keys(service.depends_on)) expect(Object.keys(services)).toContain(other);
  }
});

test("publishes the API alone, and that on the loopback", () => {
  const published = Object.entries(services).filter(([, { ports }]) => ports.length > 0);
  expect(published.map(([name]) => name)).toEqual(["api"]);
  expect(published[0]?.[1].ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
});
