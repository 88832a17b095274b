/** The secret that signs webhooks: from the configuration, or made once and kept in the data directory. */
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../config.ts";

export const secretPath = (dataDir: string): string => join(dataDir, "webhook-secret");

export async function webhookSecret({ webhookSecret: given, dataDir }: Pick<Config, "webhookSecret" | "dataDir">) {
  if (given !== undefined) return given;
  const path = secretPath(dataDir);
  const beside = `${path}.${randomBytes(6).toString("hex")}`;
  await mkdir(dataDir, { recursive: true });
  await writeFile(beside, `whsec_${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  try {
    // Of several workers that start at once, one gives it its name.
    await link(beside, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(beside);
  }
  return (await readFile(path, "utf8")).trim();
}
