/** Connections to a broker that has just begun. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { connectImpatient, connectPatient } from "../../src/jobs/redis.ts";

/** Speaks as much of Redis' protocol as a client asks of it at first, and at first says that it will load for long. */
async function startLoadingBroker() {
  let asked = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      for (const command of data
        .toString()
        .split(/\*\d+\r\n/)
        .slice(1)) {
        if (!/info/i.test(command.split("\r\n")[1] ?? "")) socket.write("+OK\r\n");
        else {
          // What a real one says if a second ends just then: so much of a second for a few bytes of many.
          const info = asked++ === 0 ? "loading:1\r\nloading_eta_seconds:3600\r\n" : "loading:0\r\n";
          socket.write(`$${info.length}\r\n${info}\r\n`);
        }
      }
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `redis://127.0.0.1:${port}`, close: () => server.close() };
}

// What others write meanwhile would take the numbers of what is restored too late.
test.each([
  ["a worker's", connectPatient],
  ["a server's", connectImpatient],
])(
  "%s connection is there as soon as the broker is, however long that has said to need",
  async (_, connect) => {
    const broker = await startLoadingBroker();
    const redis = await connect(broker.url);
    expect(redis.status).toBe("ready");
    redis.disconnect();
    broker.close();
  },
  8000,
);
