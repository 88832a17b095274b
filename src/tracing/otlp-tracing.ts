/** Traces by OpenTelemetry's SDK, sent in batches to a collector over OTLP and HTTP. */
import { hostname } from "node:os";
import {
  type Context,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { TracingTarget } from "../config.ts";
import { VERSION } from "../version.ts";
import type { Span, Tracing } from "./tracing.ts";

const KINDS = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL } as const;

/** So long an unreachable collector may hold up the end of a process. */
const FLUSH_MS = 2000;

export function otlpTracing({ endpoint, service, share }: TracingTarget, part: string): Tracing {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": service,
      "service.version": VERSION,
      "service.instance.id": `${hostname()}-${process.pid}`,
      "epochd.part": part,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    // Further OTEL_EXPORTER_OTLP_… variables, such as headers, are read by the exporter itself.
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }),
        scheduledDelayMillis: 1000,
        exportTimeoutMillis: FLUSH_MS,
      }),
    ],
  });
  const tracer = provider.getTracer("epochd", VERSION);
  return {
    begin: (name, { kind, parent, attributes, from }) =>
      open(tracer, name, contextOf(parent), {
        kind: KINDS[kind],
        ...(attributes && { attributes }),
        ...(from !== undefined && { startTime: from }),
      }),
    close: async () => {
      const late = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS).unref());
      await Promise.race([provider.shutdown().catch(() => {}), late]);
    },
  };
}

function open(tracer: Tracer, name: string, parent: Context, options: Parameters<Tracer["startSpan"]>[1]): Span {
  const span = tracer.startSpan(name, options, parent);
  return {
    traceparent: traceparentOf(span),
    child: (childName, attributes) => {
      const context = trace.setSpan(ROOT_CONTEXT, span);
      return open(tracer, childName, context, { ...(attributes && { attributes }) });
    },
    set: (attributes) => void span.setAttributes(attributes),
    note: (event, attributes) => void span.addEvent(event, attributes),
    end: (wrong) => {
      if (wrong !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: wrong });
      span.end();
    },
  };
}

function traceparentOf(span: OtelSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;

/** Whatever is no traceparent begins a trace of its own, as the W3C wants it. */
function contextOf(traceparent: string | null | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}
