/** Every op of the engine. */
export * from "./convolution.ts";
export * from "./elementwise.ts";
export * from "./embedding.ts";
export * from "./movement.ts";
export * from "./normalize.ts";
export * from "./pad.ts";
export * from "./pool.ts";
export * from "./product.ts";
export * from "./recurrent.ts";
export * from "./reduce.ts";
export * from "./sparse.ts";
