/**
 * A server that speaks S3, for tests: moto (`pip install 'moto[server]'`) from the Python of $PYTHON or python3, or the one of
 * EPOCHD_TEST_S3, an URL with a key that may make buckets, such as http://minioadmin:minioadmin@127.0.0.1:9000.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { freePort } from "../src/broker/free-port.ts";
import type { S3Location } from "../src/config.ts";
import { python } from "./python.ts";

export interface S3Server {
  readonly endpoint: string;
  /** An empty bucket, and how it is reached. */
  bucket(): Promise<S3Location & { readonly credentials: NonNullable<S3Location["credentials"]> }>;
  close(): Promise<void>;
}

const START_MS = 30_000;

/** Null where there is none: then the tests that need it are skipped. */
export async function startS3Server(): Promise<S3Server | null> {
  const given = process.env["EPOCHD_TEST_S3"];
  if (given !== undefined) {
    const { origin, username, password } = new URL(given);
    return serverAt(origin, { accessKeyId: username, secretAccessKey: password }, async () => {});
  }
  const port = await freePort();
  const child = spawn(python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
  const endpoint = `http://127.0.0.1:${port}`;
  if (!(await answers(endpoint, child))) return null;
  return serverAt(endpoint, { accessKeyId: "test", secretAccessKey: "test-secret" }, async () => {
    child.kill("SIGKILL");
    await ended;
  });
}

function serverAt(
  endpoint: string,
  credentials: NonNullable<S3Location["credentials"]>,
  close: () => Promise<void>,
): S3Server {
  const region = "us-east-1";
  return {
    endpoint,
    bucket: async () => {
      const bucket = `epochd-${randomBytes(8).toString("hex")}`;
      const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      client.destroy();
      return { bucket, prefix: "", region, endpoint, credentials, pathStyle: true };
    },
    close,
  };
}

async function answers(endpoint: string, child: ChildProcess): Promise<boolean> {
  let gone = false;
  child.once("error", () => {
    gone = true;
  });
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(50)) {
    if (gone || child.exitCode !== null) return false;
    if (
      await fetch(endpoint).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  child.kill("SIGKILL");
  return false;
}
