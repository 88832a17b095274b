/** `npm start -- config`: every variable as the parts of the service read it, secrets hidden, and which of them are set. */
import { Environment, isSecret, readConfig } from "../config.ts";

/** Lines like those of an env file, so that they can become one. Throws ConfigError for a wrong value. */
export function showConfig(env: Readonly<Record<string, string | undefined>>): string {
  const { engineThreads, quota, s3 } = readConfig(env);
  // What follows from other values and has no default of its own.
  const derived: Record<string, string> = {
    ENGINE_THREADS: String(engineThreads),
    RATE_LIMIT: String(quota.requests ?? 0),
    ...(s3 && { S3_PATH_STYLE: s3.pathStyle ? "1" : "0" }),
  };
  const lines = Object.entries(Environment.shape).map(([name, field]) => {
    const given = env[name] || undefined;
    const value = given ?? derived[name] ?? defaultOf(field);
    const shown = value === undefined ? "" : quoted(isSecret(field) && !isUrl(value) ? "***" : withoutPassword(value));
    return { set: given !== undefined, assignment: `${name}=${shown}`, meaning: field.description ?? "" };
  });
  const width = Math.min(56, Math.max(...lines.map(({ assignment }) => assignment.length)));
  return lines
    .map(
      ({ set, assignment, meaning }) => `${assignment.padEnd(width)}  # ${set ? "set:     " : "default: "}${meaning}`,
    )
    .join("\n");
}

function defaultOf(field: { safeParse(value: undefined): { data?: unknown } }): string | undefined {
  const { data } = field.safeParse(undefined);
  return data === undefined ? undefined : String(data);
}

function withoutPassword(value: string): string {
  if (!isUrl(value)) return value;
  const url = new URL(value);
  if (url.password !== "") url.password = "***";
  return url.href;
}

const isUrl = (value: string): boolean => value.includes("://") && URL.canParse(value);
const quoted = (value: string): string => (/^[\w./:@%+=,*-]*$/.test(value) ? value : JSON.stringify(value));
