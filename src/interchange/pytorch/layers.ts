/** Layers as PyTorch's constructors: `nn` has most of them by the same names, and forms.py has the others. */
import { layers as definitions } from "../../engine/definitions.ts";
import { call, literal, PythonParts } from "../python/source.ts";

const forms = new PythonParts(new URL("./forms.py", import.meta.url));

export interface WrittenLayers {
  /** The constructors, one for each layer. */
  readonly calls: readonly string[];
  /** Classes that they need and PyTorch has not. */
  readonly forms: readonly string[];
}

export function writeLayers(specs: readonly Readonly<Record<string, unknown>>[], indent: string): WrittenLayers {
  const used = new Set<string>();
  const calls = specs.map((spec) => writeLayer(spec, indent, used));
  return { calls, forms: forms.take(used) };
}

/** Whether the layer is PyTorch's own, of that name. */
export const isOfPyTorch = (type: string): boolean => !forms.has(type);

function writeLayer({ type, ...args }: Readonly<Record<string, unknown>>, indent: string, used: Set<string>): string {
  const kind = String(type);
  const name = isOfPyTorch(kind) ? `nn.${kind}` : kind;
  used.add(kind);
  const definition = definitions.get(kind);
  if (!definition) throw new Error(`There is no layer ${kind}.`);
  if (definition.holdsLayers) {
    const inner = Array.isArray(args["layers"]) ? args["layers"] : [];
    return call(
      name,
      inner.map((each) => writeLayer(each, `${indent}    `, used)),
      indent,
    );
  }
  return call(name, argumentsOf(definition.args.shape, args, WITHOUT_DEFAULT[kind]), indent);
}

/** Arguments that have a default here and none in PyTorch. */
const WITHOUT_DEFAULT: Readonly<Record<string, readonly string[]>> = { Unflatten: ["dim"] };

interface Argument {
  safeParse(value: unknown): { readonly success: boolean; readonly data?: unknown };
}

/** Those without a default stand first and need no name; of the others those that are not the default. */
export function argumentsOf(
  schema: Readonly<Record<string, Argument>>,
  args: Readonly<Record<string, unknown>>,
  required: readonly string[] = [],
): string[] {
  let named = false;
  return Object.entries(schema).flatMap(([name, argument]) => {
    const standard = argument.safeParse(undefined);
    const value = args[name];
    const needed = !standard.success || standard.data === undefined || required.includes(name);
    if (value === undefined || (!needed && literal(value) === literal(standard.data))) {
      named = true;
      return [];
    }
    named ||= !needed;
    return [named ? `${name}=${literal(value)}` : literal(value)];
  });
}
