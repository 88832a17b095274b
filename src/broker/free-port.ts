/** A TCP port of the loopback that nobody uses at the moment. Somebody may take it before it is used: then try again. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Endpoint } from "./broker.ts";

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("The system gave no TCP port.");
  return address.port;
}

/** A port for a broker of our own and a password that nobody can guess. */
export async function newEndpoint(): Promise<Endpoint> {
  return { port: await freePort(), password: randomBytes(24).toString("hex") };
}
