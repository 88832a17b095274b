/** Paths into a spec, as mistakes and drawn settings name them: `model.layers[0].out_features`. */

/** Whether a path is `name` or lies within it. */
export const isWithin = (path: string, name: string): boolean =>
  path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`);
