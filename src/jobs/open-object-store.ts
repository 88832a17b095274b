/** Opens the object store that the configuration names; its place fits into a message to a thread. */
import { join } from "node:path";
import type { Config, S3Location } from "../config.ts";
import { DiskObjectStore } from "./disk-object-store.ts";
import type { ObjectStore } from "./object-store.ts";

export type StorePlace =
  | { readonly kind: "disk"; readonly root: string }
  | { readonly kind: "s3"; readonly location: S3Location };

export function storePlace({ dataDir, s3 }: Pick<Config, "dataDir" | "s3">): StorePlace {
  return s3 ? { kind: "s3", location: s3 } : { kind: "disk", root: join(dataDir, "objects") };
}

export async function openObjectStore(place: StorePlace): Promise<ObjectStore> {
  if (place.kind === "disk") return new DiskObjectStore(place.root);
  // A second of loading, which only those wait for who use it.
  const { S3ObjectStore } = await import("./s3-object-store.ts");
  return new S3ObjectStore(place.location);
}
