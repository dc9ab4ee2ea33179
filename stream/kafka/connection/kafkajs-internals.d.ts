/**
 * kafkajs does not export its connection layer; these are the parts of it that transport.ts uses.
 * The package is pinned, and test/unit/stream/kafka/transport.test.ts holds this shape.
 */
declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net';
  import type { ConnectionOptions } from 'node:tls';

  export interface InternalLogger {
    namespace(name: string): InternalLogger;
    debug(message: string, extra?: object): void;
    info(message: string, extra?: object): void;
    warn(message: string, extra?: object): void;
    error(message: string, extra?: object): void;
  }

  interface QueuedRequest {
    readonly entry: {
      readonly apiKey: number;
      readonly apiName: string;
      readonly apiVersion: number;
      readonly correlationId: number;
      resolve(response: { readonly payload: Buffer }): void;
      reject(error: Error): void;
    };
    readonly expectResponse: boolean;
    readonly requestTimeout: number;
    sendRequest(): void;
  }

  class Connection {
    constructor(options: {
      host: string;
      port: number;
      logger: InternalLogger;
      socketFactory: (options: {
        host: string;
        port: number;
        ssl: ConnectionOptions | null;
        onConnect: () => void;
      }) => Socket;
      clientId: string;
      ssl: ConnectionOptions | null;
      sasl: { mechanism: string } | null;
      connectionTimeout: number;
      requestTimeout: number;
    });
    readonly broker: string;
    readonly clientId: string;
    readonly socket: Socket | undefined;
    readonly requestQueue: {
      /** By correlation id, in the order in which they were sent. */
      readonly inflight: ReadonlyMap<number, unknown>;
      push(request: QueuedRequest): void;
      fulfillRequest(response: { correlationId: number; payload: Buffer; size: number }): void;
      destroy(): void;
    };
    /** Milliseconds, as a 64-bit integer of kafkajs; 0: for ever. */
    readonly sessionLifetime: { toString(): string };
    /** How long before the end of a session it is renewed. */
    reauthenticationThreshold: number;
    connect(): Promise<true>;
    disconnect(): Promise<true>;
    isConnected(): boolean;
    isAuthenticated(): boolean;
    authenticate(): Promise<void>;
    setVersions(versions: Record<number, { minVersion: number; maxVersion: number }>): void;
    setSupportAuthenticationProtocol(supported: boolean): void;
    failIfNotConnected(): void;
    nextCorrelationId(): number;
    processData(data: Buffer): void;
    rejectRequests(error: Error): void;
  }
  export default Connection;
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { Socket } from 'node:net';
  import type { ConnectionOptions } from 'node:tls';

  export default function createSocketFactory(): (options: {
    host: string;
    port: number;
    ssl: ConnectionOptions | null;
    onConnect: () => void;
  }) => Socket;
}
