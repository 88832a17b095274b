/** Traces, as a collector hears of them: the request, the queue and the training under one id, over processes. */

import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { run } from "../process-fixture.ts";

const Value = z.looseObject({ stringValue: z.string().optional(), intValue: z.number().optional() });
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? value.intValue])));
const Span = z.looseObject({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: Attributes,
  events: z.array(z.looseObject({ name: z.string() })).default([]),
});
const Export = z.object({
  resourceSpans: z.array(
    z.looseObject({
      resource: z.looseObject({ attributes: Attributes }),
      scopeSpans: z.array(z.looseObject({ spans: z.array(Span) })),
    }),
  ),
});

let broker: BrokerFixture;
let collector: Server;
const spans: (z.infer<typeof Span> & { part: unknown; service: unknown })[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
  collector = createServer(async (request, response) => {
    const { resourceSpans } = Export.parse(await json(request));
    for (const { resource, scopeSpans } of resourceSpans) {
      const { "epochd.part": part, "service.name": service } = resource.attributes;
      for (const scope of scopeSpans) spans.push(...scope.spans.map((span) => ({ ...span, part, service })));
    }
    response.setHeader("content-type", "application/json").end(request.url === "/v1/traces" ? "{}" : "null");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => collector.once("listening", resolve));
});
afterAll(async () => {
  collector.close();
  await broker.close();
});

const address = (server: Server): AddressInfo => {
  const found = server.address();
  if (found === null || typeof found === "string") throw new Error("The collector listens on no port.");
  return found;
};

test("a request that brings a trace, its job's wait and its training are in that trace, and in the logs", async () => {
  const directory = await mkdtemp(join(tmpdir(), "epochd-trace-"));
  const environment = {
    REDIS_URL: broker.url,
    DATA_DIR: directory,
    PORT: "0",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${address(collector).port}/`,
    OTEL_SERVICE_NAME: "training",
    // Who calls has decided that it is traced; nothing else is.
    OTEL_TRACES_SAMPLER_ARG: "0",
  };
  const api = run(["--api"], environment);
  const worker = run(["--worker"], environment);
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const parentSpanId = "b7ad6b7169203331";
  let id = "";
  let requestId = "";
  try {
    const url = (await api.until(/API on (http:\S+)/))[1] ?? "";
    const answer = await fetch(`${url}/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent: `00-${traceId}-${parentSpanId}-01` },
      body: JSON.stringify({
        name: "traced",
        model: { layers: [{ type: "Linear", out_features: 2 }] },
        loss: "CrossEntropyLoss",
        optimizer: { type: "SGD", lr: 0.1 },
        epochs: 2,
        data: { builtin: "xor", samples: 16 },
      }),
    });
    id = (await answer.json()).id;
    requestId = answer.headers.get("x-request-id") ?? "";
    expect(answer.status).toBe(202);
    await vi.waitFor(
      async () => expect((await (await fetch(`${url}/v1/jobs/${id}`)).json()).status).toBe("completed"),
      {
        timeout: 40_000,
        interval: 50,
      },
    );
  } finally {
    // What has not been sent by then is sent at the end.
    api.kill("SIGTERM");
    worker.kill("SIGTERM");
    await Promise.all([api.ended, worker.ended]);
    await rm(directory, { recursive: true, force: true });
  }

  expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
  expect(spans.map(({ part, service, name }) => `${service} ${part}: ${name}`).sort()).toEqual([
    "training api: POST /v1/jobs",
    "training api: check spec",
    "training worker: prepare",
    "training worker: run job",
    "training worker: train",
    "training worker: wait for a worker",
  ]);
  const named = (name: string) => spans.find((span) => span.name === name);
  const [post, runs, train] = [named("POST /v1/jobs"), named("run job"), named("train")];
  expect(post).toMatchObject({
    parentSpanId,
    attributes: { "http.response.status_code": 202, "epochd.job.id": id, "epochd.request.id": requestId },
  });
  expect(named("check spec")?.parentSpanId).toBe(post?.spanId);
  expect(named("wait for a worker")?.parentSpanId).toBe(post?.spanId);
  expect(runs).toMatchObject({
    parentSpanId: post?.spanId,
    attributes: { "epochd.job.id": id, "epochd.job.name": "traced", "epochd.outcome": "completed", "epochd.epoch": 2 },
  });
  expect(train?.parentSpanId).toBe(runs?.spanId);
  expect(train?.events.map(({ name }) => name)).toContain("checkpoint");
  expect(BigInt(train?.startTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(BigInt(post?.startTimeUnixNano ?? 0));
  expect(BigInt(train?.endTimeUnixNano ?? 0)).toBeLessThanOrEqual(BigInt(runs?.endTimeUnixNano ?? 0));

  // The logs of both processes name the job and the trace, that of the API the request, too.
  const lines = (text: string) => text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
  expect(lines(api.output())).toContainEqual(
    expect.objectContaining({ msg: "answered", url: "/v1/jobs", job: id, request_id: requestId, trace_id: traceId }),
  );
  expect(lines(worker.output())).toContainEqual(
    expect.objectContaining({ msg: "completed", job: id, trace_id: traceId }),
  );
}, 150_000);
