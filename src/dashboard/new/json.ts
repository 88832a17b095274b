/** JSON values under edit: read and changed by path, never in place. */
export type JsonObject = Readonly<Record<string, unknown>>;
export type Path = readonly (string | number)[];

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const objectIn = (value: unknown): JsonObject => (isObject(value) ? value : {});
export const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof key === "number") value = listIn(value)[key];
    else value = objectIn(value)[key];
  }
  return value;
}

/** A copy of `root` with this value there; undefined takes it out. */
export function withValue(root: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === "number") {
    const list = [...listIn(root)];
    if (rest.length === 0 && value === undefined) list.splice(key, 1);
    else list[key] = withValue(list[key], rest, value);
    return list;
  }
  const { [key]: old, ...others } = objectIn(root);
  if (rest.length === 0 && value === undefined) return others;
  const fresh = withValue(old, rest, value);
  // In its place, so that the JSON beside the form does not jump.
  return old === undefined ? { ...others, [key]: fresh } : { ...objectIn(root), [key]: fresh };
}

/** `model.layers[2].in_features`, as the service writes it. */
export const nameOf = (path: Path): string =>
  path.reduce<string>((name, key) => {
    if (typeof key === "number") return `${name}[${key}]`;
    if (!/^[A-Za-z_]\w*$/.test(key)) return `${name}[${JSON.stringify(key)}]`;
    return name === "" ? key : `${name}.${key}`;
  }, "");
