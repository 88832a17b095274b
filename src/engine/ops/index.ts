/** Every op of the engine. */
export * from "./elementwise.ts";
export * from "./movement.ts";
export * from "./normalize.ts";
export * from "./product.ts";
export * from "./reduce.ts";
