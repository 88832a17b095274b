/** A service with a worker for its clients' tests, and a way to it that can be broken. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { pino } from "pino";
import { startWorker } from "../../src/workers/start-worker.ts";
import { startTestApi } from "../api/api-fixture.ts";

export async function startServiceForClients(options: { keysRequired?: boolean } = {}) {
  const api = await startTestApi(options);
  const worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
  const url = await api.listen();
  const close = async () => {
    await worker.close();
    await api.close();
  };
  return { url, api, close };
}

export interface BreakableWay {
  readonly url: string;
  /** How many connections were made over it. */
  readonly connections: number;
  /** Decides for each connection after how many bytes of answers it is cut; undefined: never. */
  breakAfter: (connection: number) => number | undefined;
  close(): void;
}

/** A proxy that hands bytes on, and cuts connections in the middle of whatever they carry. */
export async function breakableWay(to: string): Promise<BreakableWay> {
  const { port, hostname } = new URL(to);
  const open = new Set<Socket>();
  let connections = 0;
  const way = {
    url: "",
    breakAfter: (_connection: number): number | undefined => undefined,
    get connections() {
      return connections;
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
  const server = createServer((client) => {
    const service = connect(Number(port), hostname);
    let left = way.breakAfter(++connections);
    for (const socket of [client, service]) {
      open.add(socket);
      socket
        .on("error", () => {})
        .on("close", () => {
          open.delete(socket);
          client.destroy();
          service.destroy();
        });
    }
    client.pipe(service);
    service.on("data", (bytes: Buffer) => {
      if (left === undefined) return void client.write(bytes);
      const part = bytes.subarray(0, left);
      left -= part.length;
      client.write(part, () => {
        if (left === 0) client.destroy();
      });
    });
  });
  way.url = await listen(server);
  return way;
}

/** On a free port; gives the address. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server listens on no port.");
  return `http://127.0.0.1:${address.port}`;
}
