/**
 * Tidies the generated document: keeps the schemas that some route uses, and calls each by its own name. The generator
 * emits every schema twice, as it is sent (`JobSpecInput`) and as it is answered (`JobSpec`); most are used in one way only.
 */

interface Document {
  paths?: object;
  components?: { schemas?: Record<string, object> };
}

const SUFFIX = "Input";
const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g;

export function tidy<T extends Document>(document: T): T {
  const schemas = document.components?.schemas ?? {};
  const used = reachable(document.paths ?? {}, schemas);
  const names = new Map<string, string>();
  for (const name of used) {
    const base = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name;
    names.set(name, base !== name && base in schemas && !used.has(base) ? base : name);
  }
  const kept = [...used].map((name) => [names.get(name) ?? name, schemas[name]] as const);
  const sorted = Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
  const renamed = JSON.stringify({ ...document, components: { ...document.components, schemas: sorted } }).replace(
    REFERENCE,
    (_whole, name: string) => `"#/components/schemas/${names.get(name) ?? name}"`,
  );
  return JSON.parse(renamed);
}

function reachable(from: object, schemas: Record<string, object>): Set<string> {
  const found = new Set<string>();
  const open: object[] = [from];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const [, name = ""] of JSON.stringify(next).matchAll(REFERENCE)) {
      const schema = schemas[name];
      if (!schema || found.has(name)) continue;
      found.add(name);
      open.push(schema);
    }
  }
  return found;
}
