/** The broker: Redis, Valkey, or the Valkey that comes with the service. All three are used alike, by their URL. */
export interface Broker {
  /** With the password, if it has one: not for logs. */
  readonly url: string;
  readonly kind: "external" | "server" | "embedded";
  /** What it promises about durability, for people. */
  readonly promise: string;
  /** What a person should know about this start, such as a damaged file that was put aside. */
  readonly notices: readonly string[];
  /** Settles when the broker has ended for good without being asked to, with what is known about the reason. */
  readonly lost: Promise<string>;
  close(): Promise<void>;
}

/** A broker in a process of this service. */
export interface OwnBroker extends Broker {
  readonly pid: number;
}

/** Where an own broker listens. The same again after a crash, so that every client finds it by itself. */
export interface Endpoint {
  readonly port: number;
  readonly password: string;
}

export const urlOf = ({ port, password }: Endpoint): string => `redis://:${password}@127.0.0.1:${port}`;

/** A broker that can't be started; its message says why and what to do. */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
}
