/** A broker that is away: said once, however often it is noticed, and said again when it is back. */
import { Redis } from "ioredis";
import { pino } from "pino";
import { expect, test } from "vitest";
import { tellBrokerTrouble } from "../../src/workers/broker-trouble.ts";

test("is told once for each outage and reason, and so is its end", () => {
  const redis = new Redis({ lazyConnect: true });
  const lines: string[] = [];
  const write = (line: string) => {
    const { reason, msg } = JSON.parse(line);
    lines.push(reason ? `${msg}: ${reason}` : msg);
  };
  const tell = tellBrokerTrouble(redis, pino({ base: null }, { write }));
  redis.emit("ready");
  for (let i = 0; i < 100; i++) {
    tell(new Error("connect ECONNREFUSED"));
    tell(new Error("Connection is closed."));
  }
  redis.emit("ready");
  redis.emit("ready");
  tell(new Error("connect ECONNREFUSED"));
  redis.disconnect();
  expect(lines).toEqual([
    "trouble with the broker: connect ECONNREFUSED",
    "trouble with the broker: Connection is closed.",
    "the broker answers again",
    "trouble with the broker: connect ECONNREFUSED",
  ]);
});
