/** ModuleList and ModuleDict, ParameterList and ParameterDict: parts of a module kept in lists and by name. */
import type { Tensor } from "../tensor.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";

/** Holds parts; which of them are used, and how, the module that holds it says. */
abstract class Container extends Module {
  forward(): Tensor {
    throw new Error(`${this.constructor.name} only holds its parts and has no forward: call those of the parts.`);
  }
}

/** Parts named "0", "1", … as PyTorch names them. */
abstract class List<T> extends Container {
  readonly list: readonly T[];
  constructor(list: readonly T[]) {
    super();
    this.list = list;
  }
  override parts(): Iterable<[string, unknown]> {
    return this.list.map((part, i) => [String(i), part]);
  }
}

abstract class Dict<T> extends Container {
  readonly dict: Readonly<Record<string, T>>;
  constructor(dict: Readonly<Record<string, T>>) {
    super();
    this.dict = dict;
  }
  override parts(): Iterable<[string, unknown]> {
    return Object.entries(this.dict);
  }
}

export class ModuleList<T extends Module = Module> extends List<T> {}
export class ModuleDict<T extends Module = Module> extends Dict<T> {}
export class ParameterList extends List<Parameter> {}
export class ParameterDict extends Dict<Parameter> {}
