/**
 * Traces: what one request led to, in the API and in the workers, under one id. Off unless a collector is configured; only then is
 * OpenTelemetry loaded. What passes from process to process is a `traceparent`, as the W3C says.
 */
import type { TracingTarget } from "../config.ts";

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  /** For who goes on elsewhere; null if nothing is traced. */
  readonly traceparent: string | null;
  child(name: string, attributes?: Attributes): Span;
  set(attributes: Attributes): void;
  /** Something that happened at a moment of it. */
  note(name: string, attributes?: Attributes): void;
  /** With what went wrong, if something did. */
  end(wrong?: string): void;
}

export interface SpanOptions {
  /** `server`: answers a request. `consumer`: works on what was queued. */
  readonly kind: "server" | "consumer" | "internal";
  /** The traceparent that it goes on from; without it a trace begins. */
  readonly parent?: string | null | undefined;
  readonly attributes?: Attributes;
  /** When it began, in ms, if that was not just now. */
  readonly from?: number;
}

export interface Tracing {
  begin(name: string, options: SpanOptions): Span;
  /** Sends what has not been sent yet. */
  close(): Promise<void>;
}

const NO_SPAN: Span = { traceparent: null, child: () => NO_SPAN, set: () => {}, note: () => {}, end: () => {} };

export const NO_TRACING: Tracing = { begin: () => NO_SPAN, close: async () => {} };

export async function startTracing(target: TracingTarget | null, part: string): Promise<Tracing> {
  if (!target) return NO_TRACING;
  const { otlpTracing } = await import("./otlp-tracing.ts");
  return otlpTracing(target, part);
}

/** The id that all spans of a trace share, for logs. */
export const traceIdOf = ({ traceparent }: Span): string | undefined => traceparent?.split("-")[1];
