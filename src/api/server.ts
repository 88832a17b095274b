/** Starts the HTTP side of the service: builds the app from its parts and listens. */
import type { AddressInfo } from "node:net";
import type { Config } from "../config.ts";
import { NO_TRACING } from "../tracing/tracing.ts";
import { buildApp } from "./app.ts";
import { Inference } from "./inference/inference.ts";
import { type ApiLimits, DEFAULT_LIMITS, type ServiceParts } from "./parts.ts";
import { startEventHub, startJobFeed } from "./sse/log-source.ts";

export interface RunningApi {
  /** Where it listens, as a client writes it. */
  readonly url: string;
  /** Ends every stream, answers what is under way, then stops. The parts stay open. */
  close(): Promise<void>;
}

export async function startApi(
  config: Pick<Config, "host" | "port" | "apiKeysRequired" | "quota">,
  parts: ServiceParts,
  limits: ApiLimits = DEFAULT_LIMITS,
): Promise<RunningApi> {
  const hub = await startEventHub(parts, parts.broker.url);
  const feed = await startJobFeed(parts, parts.broker.url);
  const inference = new Inference();
  const app = await buildApp({
    tracing: NO_TRACING,
    ...parts,
    hub,
    feed,
    inference,
    limits,
    keysRequired: config.apiKeysRequired,
    quota: config.quota,
  });
  const close = async () => {
    await app.close();
    feed.close();
    await Promise.all([hub.close(), inference.close()]);
  };
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await close();
    throw error;
  }
  return { url: urlOf(config.host, app.server.address()), close };
}

function urlOf(host: string, address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string") throw new Error(`The API listens on no port: ${address}.`);
  const reachable = host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${address.port}`;
}
