/** Reverse-mode differentiation over the graph that the forward pass left behind. */
import type { Storage } from "./device.ts";
import * as ops from "./ops/index.ts";
import { ShapeError, sameShape, showShape } from "./shape.ts";
import { ones, Tensor } from "./tensor.ts";

/** A computed tensor's origin. `gradients[i]`, if wanted, makes the gradient of `inputs[i]` from the output's. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly gradients: (outputGradient: Tensor) => readonly (null | (() => Tensor))[];
}

let gradEnabled = true;

export const isGradEnabled = (): boolean => gradEnabled;

/** Runs `body` without remembering how values are made: for evaluation, metrics and updates of weights. */
export function noGrad<T>(body: () => T): T {
  return withGrad(false, body);
}

/** Switches remembering on again inside `noGrad`. */
export function enableGrad<T>(body: () => T): T {
  return withGrad(true, body);
}

function withGrad<T>(enabled: boolean, body: () => T): T {
  const before = gradEnabled;
  gradEnabled = enabled;
  try {
    return body();
  } finally {
    gradEnabled = before;
  }
}

export interface BackwardOptions {
  /** Remember how the gradients were made, so that they can be differentiated again. */
  readonly createGraph?: boolean;
}

/** Adds the gradient of `output` to `grad` of every leaf that requires it. See {@link Tensor.backward}. */
export function backward(output: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  const createGraph = options.createGraph ?? false;
  const held = new HeldGradients(createGraph);
  propagate(output, startingGradient(output, gradient), createGraph, held, (leaf, total) => {
    if (leaf.grad && !createGraph) {
      leaf.device.run("addInPlace", [leaf.grad.storage.buffer, total.storage.buffer], [total.size]);
      held.drop(total);
    } else if (leaf.grad) {
      leaf.grad = ops.add(leaf.grad, total);
    } else {
      // Later calls add to it in place, so nobody else may hold its memory.
      const sole = createGraph || held.isSole(total);
      leaf.grad = sole ? total : ops.clone(total);
      leaf.device.escape(leaf.grad.storage);
      if (!sole) held.drop(total);
    }
  });
}

/** d(output)/d(inputs), leaving every `grad` alone. An input that the output does not depend on gives null. */
export function grad(
  output: Tensor,
  inputs: readonly Tensor[],
  gradient?: Tensor,
  options: BackwardOptions = {},
): (Tensor | null)[] {
  const found = new Map<Tensor, Tensor>();
  const createGraph = options.createGraph ?? false;
  const held = new HeldGradients(true);
  propagate(
    output,
    startingGradient(output, gradient),
    createGraph,
    held,
    (tensor, total) => found.set(tensor, total),
    new Set(inputs),
  );
  return inputs.map((input) => found.get(input) ?? null);
}

function startingGradient(output: Tensor, gradient: Tensor | undefined): Tensor {
  if (!output.requiresGrad) {
    throw new Error(
      "backward() from a tensor that needs no gradient: none of its inputs has requiresGrad, or it was made inside noGrad().",
    );
  }
  if (gradient) {
    if (sameShape(gradient.shape, output.shape)) return gradient;
    throw new ShapeError(
      `backward(): the gradient has shape ${showShape(gradient.shape)}, the tensor ${showShape(output.shape)}.`,
    );
  }
  if (output.size === 1) return scalarOne(output);
  throw new ShapeError(
    `backward() without a gradient wants a scalar, and this tensor has shape ${showShape(output.shape)}. Reduce it with sum() or mean(), or pass the gradient.`,
  );
}

/** A constant: written once from the host, so that a recorded step does not write it again. */
function scalarOne(output: Tensor): Tensor {
  return output.size === 1 && output.rank <= 1
    ? new Tensor(output.device.scalar(1), output.shape)
    : ones(output.shape, { device: output.device });
}

/**
 * Walks from `output` to the leaves, each node after all its users, and hands over every leaf's (or wanted tensor's)
 * total. A gradient function returns a fresh tensor or the gradient it was given (or a view of it), never a tensor of
 * the forward pass: what it returns is freed once used.
 */
function propagate(
  output: Tensor,
  start: Tensor,
  createGraph: boolean,
  held: HeldGradients,
  deliver: (tensor: Tensor, total: Tensor) => void,
  wanted?: ReadonlySet<Tensor>,
): void {
  // Held once for the output's turn and once for the caller, so that nothing below frees it.
  held.hold(start);
  held.hold(start);
  withGrad(createGraph, () => {
    const totals = new Map<Tensor, Tensor>([[output, start]]);
    for (const tensor of usersFirst(output)) {
      const total = totals.get(tensor);
      if (!total) continue;
      totals.delete(tensor);
      if (wanted ? wanted.has(tensor) : tensor.node === null) deliver(tensor, total);
      if (tensor.node === null) continue;
      const gradients = tensor.node.gradients(total);
      tensor.node.inputs.forEach((input, i) => {
        const make = gradients[i];
        if (!input.requiresGrad || !make) return;
        const contribution = createGraph ? make() : input.device.scope(make, (made) => [made.storage]);
        held.hold(contribution);
        const before = totals.get(input);
        if (!before) {
          totals.set(input, contribution);
          return;
        }
        const both = ops.add(before, contribution);
        held.hold(both);
        totals.set(input, both);
        held.drop(before);
        held.drop(contribution);
      });
      held.drop(total);
    }
  });
}

/** Topological order of everything that `output` depends on and that needs a gradient, users before inputs. */
function usersFirst(output: Tensor): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>([output]);
  // An explicit stack: a network of 10,000 layers must not overflow JavaScript's.
  const stack: { tensor: Tensor; next: number }[] = [{ tensor: output, next: 0 }];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const input: Tensor | undefined = top.tensor.node?.inputs[top.next++];
    if (input) {
      if (!input.requiresGrad || seen.has(input)) continue;
      seen.add(input);
      stack.push({ tensor: input, next: 0 });
    } else {
      order.push(top.tensor);
      stack.pop();
    }
  }
  return order.reverse();
}

/** Counts who still needs a gradient's memory, so that it is freed as soon as nobody does. */
class HeldGradients {
  readonly #counts = new Map<Storage, number>();
  readonly #keepAll: boolean;

  constructor(keepAll: boolean) {
    this.#keepAll = keepAll;
  }

  hold(gradient: Tensor): void {
    this.#counts.set(gradient.storage, (this.#counts.get(gradient.storage) ?? 0) + 1);
  }

  drop(gradient: Tensor): void {
    const count = this.#counts.get(gradient.storage);
    if (count === undefined) return;
    if (count > 1) this.#counts.set(gradient.storage, count - 1);
    else {
      this.#counts.delete(gradient.storage);
      if (!this.#keepAll) gradient.device.free(gradient.storage);
    }
  }

  isSole(gradient: Tensor): boolean {
    return this.#counts.get(gradient.storage) === 1;
  }
}
