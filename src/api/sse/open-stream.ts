/** Turns a reply into a stream of events: its head is sent, the rest is the hub's. */
import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";

export function openStream(reply: FastifyReply): ServerResponse {
  reply.hijack();
  // A hijacked reply sends none of the headers that hooks have set; they are copied by hand.
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.raw.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    // The end of the stream ends the connection, too: nobody waits for a next request on it.
    connection: "close",
  });
  reply.raw.flushHeaders();
  return reply.raw;
}
